import type { Tensor } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { counts } from '../flow.ts'
import { inputsOf } from '../node-inputs.ts'
import { takeOperand } from '../operands.ts'
import type { Operator, OperatorEntries, Repair, RowRule } from '../operator.ts'
import { productPacks } from '../products.ts'
import { attention } from './attention.ts'
import { embedLayerNormalization, qEmbedLayerNormalization } from './embed-layer-normalization.ts'
import { multiHeadAttention } from './multi-head-attention.ts'
import { onnxAttention } from './onnx-attention.ts'
import { qAttention } from './q-attention.ts'
import { dynamicQuantizeMatMul, matMulIntegerToFloat } from './quantized-products.ts'
import { onnxRotaryEmbedding, rotaryEmbedding } from './rotary-embedding.ts'
import { skipLayerNormalization, skipSimplifiedLayerNormalization } from './skip-layer-normalization.ts'

/** Keys of earlier tokens are input `index`, or output 1. */
function earlierKeysAt(index: number): (node: NodeProto) => boolean {
  return ({ input, output }) => (input[index] ?? '') !== '' || (output[1] ?? '') !== ''
}

/** Keys and values of earlier tokens are these inputs; with those of the new ones they are outputs 1 and 2. */
function cachesAt(keys: number, values: number): NonNullable<Operator['caches']> {
  return [
    [keys, 1],
    [values, 2],
  ]
}

/** Every token is turned by its own position. */
const turnedRows: RowRule = ({ inputs }, axis) =>
  axis === (inputs[0] as Tensor).rank - 2 ? [axis, 1] : inputs.map(() => 'all')

const turnTokens: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [x, positions] = inputs as [Tensor, Tensor]
  const follows = (dim: Dim | undefined): boolean => dim !== undefined && counts(flow, dim)
  if (follows(x.dims[x.rank - 2]) && !follows(positions.dims[1])) takeOperand(flow, node, inputs, 1, [1], 2)
  return inputs
}

/** Made for decoders. */
const always = (): boolean => true

/**
 * Operators that do the work of several. One with a `meaning` is written out in plain operators when a model is opened, and
 * put back where it still computes the same.
 */
export const fusedOperators: OperatorEntries = {
  Attention: { traits: ['fused'], meaning: onnxAttention, readsEarlierKeys: earlierKeysAt(4), caches: cachesAt(4, 5) },
  RotaryEmbedding: { traits: ['fused'], meaning: onnxRotaryEmbedding },
  'com.microsoft.Attention': { traits: ['fused'], meaning: attention, readsEarlierKeys: earlierKeysAt(4) },
  'com.microsoft.DecoderMaskedMultiHeadAttention': { traits: ['fused'], readsEarlierKeys: always },
  'com.microsoft.DynamicQuantizeMatMul': {
    traits: ['product', 'quantized', 'range of all'],
    meaning: dynamicQuantizeMatMul,
    packs: productPacks,
  },
  'com.microsoft.EmbedLayerNormalization': { traits: ['fused'], meaning: embedLayerNormalization },
  'com.microsoft.GroupQueryAttention': { traits: ['fused'], readsEarlierKeys: always, caches: cachesAt(3, 4) },
  'com.microsoft.MatMulIntegerToFloat': {
    traits: ['product', 'quantized'],
    meaning: matMulIntegerToFloat,
    packs: productPacks,
  },
  'com.microsoft.MultiHeadAttention': {
    traits: ['fused'],
    meaning: multiHeadAttention,
    readsEarlierKeys: ({ input }) => (input[6] ?? '') !== '',
    caches: cachesAt(6, 7),
  },
  'com.microsoft.QAttention': {
    traits: ['fused', 'quantized'],
    meaning: qAttention,
    readsEarlierKeys: earlierKeysAt(8),
  },
  'com.microsoft.QEmbedLayerNormalization': { traits: ['fused', 'quantized'], meaning: qEmbedLayerNormalization },
  // Written out in what is opened; a cut of a prompt puts it into a graph that is open.
  'com.microsoft.RotaryEmbedding': {
    traits: ['fused'],
    meaning: rotaryEmbedding,
    rows: turnedRows,
    repair: turnTokens,
  },
  'com.microsoft.SkipLayerNormalization': { traits: ['fused'], meaning: skipLayerNormalization },
  'com.microsoft.SkipSimplifiedLayerNormalization': { traits: ['fused'], meaning: skipSimplifiedLayerNormalization },
  'com.microsoft.SparseAttention': { traits: ['fused'], readsEarlierKeys: always },
}
