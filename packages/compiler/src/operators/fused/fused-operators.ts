import { attention } from './attention.ts'
import { einsum } from './einsum.ts'
import { embedLayerNormalization, qEmbedLayerNormalization } from './embed-layer-normalization.ts'
import type { Meaning } from './fused-operator.ts'
import { multiHeadAttention } from './multi-head-attention.ts'
import { onnxAttention } from './onnx-attention.ts'
import { qAttention } from './q-attention.ts'
import { dynamicQuantizeMatMul, matMulIntegerToFloat } from './quantised-products.ts'
import { onnxRotaryEmbedding, rotaryEmbedding } from './rotary-embedding.ts'
import { skipLayerNormalization, skipSimplifiedLayerNormalization } from './skip-layer-normalization.ts'

const meanings: Readonly<Record<string, Meaning>> = {
  Attention: onnxAttention,
  Einsum: einsum,
  RotaryEmbedding: onnxRotaryEmbedding,
  'com.microsoft.Attention': attention,
  'com.microsoft.DynamicQuantizeMatMul': dynamicQuantizeMatMul,
  'com.microsoft.EmbedLayerNormalization': embedLayerNormalization,
  'com.microsoft.MatMulIntegerToFloat': matMulIntegerToFloat,
  'com.microsoft.MultiHeadAttention': multiHeadAttention,
  'com.microsoft.QAttention': qAttention,
  'com.microsoft.QEmbedLayerNormalization': qEmbedLayerNormalization,
  'com.microsoft.RotaryEmbedding': rotaryEmbedding,
  'com.microsoft.SkipLayerNormalization': skipLayerNormalization,
  'com.microsoft.SkipSimplifiedLayerNormalization': skipSimplifiedLayerNormalization,
}

/** What each fused operator means, by its name with the domain in front. */
export const fusedOperators: ReadonlyMap<string, Meaning> = new Map(Object.entries(meanings))
