import type { NodeProto } from '@tp/onnx'
import type { OperatorEntries } from '../operator.ts'
import { productPacks } from '../products.ts'
import { attention } from './attention.ts'
import { embedLayerNormalization, qEmbedLayerNormalization } from './embed-layer-normalization.ts'
import { multiHeadAttention } from './multi-head-attention.ts'
import { onnxAttention } from './onnx-attention.ts'
import { qAttention } from './q-attention.ts'
import { dynamicQuantizeMatMul, matMulIntegerToFloat } from './quantised-products.ts'
import { onnxRotaryEmbedding, rotaryEmbedding } from './rotary-embedding.ts'
import { skipLayerNormalization, skipSimplifiedLayerNormalization } from './skip-layer-normalization.ts'

/** Keys of earlier tokens are input `index`, or output 1. */
function earlierKeysAt(index: number): (node: NodeProto) => boolean {
  return ({ input, output }) => (input[index] ?? '') !== '' || (output[1] ?? '') !== ''
}

/** Made for decoders. */
const always = (): boolean => true
const neverAsInput = Number.POSITIVE_INFINITY

/**
 * Operators that do the work of several. One with a `meaning` is written out in plain operators when a model is opened, and
 * put back where it still computes the same.
 */
export const fusedOperators: OperatorEntries = {
  Attention: { meaning: onnxAttention, readsEarlierKeys: earlierKeysAt(4) },
  RotaryEmbedding: { meaning: onnxRotaryEmbedding },
  'com.microsoft.Attention': { meaning: attention, readsEarlierKeys: earlierKeysAt(4) },
  'com.microsoft.DecoderMaskedMultiHeadAttention': { readsEarlierKeys: always },
  'com.microsoft.DynamicQuantizeMatMul': { meaning: dynamicQuantizeMatMul, isQuantized: true, packs: productPacks },
  'com.microsoft.EmbedLayerNormalization': { meaning: embedLayerNormalization },
  'com.microsoft.GroupQueryAttention': { readsEarlierKeys: always },
  'com.microsoft.MatMulIntegerToFloat': { meaning: matMulIntegerToFloat, packs: productPacks },
  'com.microsoft.MultiHeadAttention': {
    meaning: multiHeadAttention,
    readsEarlierKeys: ({ input }) => (input[6] ?? '') !== '',
  },
  'com.microsoft.PackedAttention': { readsEarlierKeys: earlierKeysAt(neverAsInput) },
  'com.microsoft.PackedMultiHeadAttention': { readsEarlierKeys: earlierKeysAt(neverAsInput) },
  'com.microsoft.QAttention': { meaning: qAttention, readsEarlierKeys: earlierKeysAt(8) },
  'com.microsoft.QEmbedLayerNormalization': { meaning: qEmbedLayerNormalization },
  'com.microsoft.RotaryEmbedding': { meaning: rotaryEmbedding },
  'com.microsoft.SkipLayerNormalization': { meaning: skipLayerNormalization },
  'com.microsoft.SkipSimplifiedLayerNormalization': { meaning: skipSimplifiedLayerNormalization },
  'com.microsoft.SparseAttention': { readsEarlierKeys: always },
}
