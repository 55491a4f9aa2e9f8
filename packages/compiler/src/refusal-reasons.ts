import type { NodeProto } from '@tp/onnx'
import type { Block } from './find/block.ts'
import type { Program } from './follow/program.ts'
import { nameOf, Refused } from './refusal.ts'

/** Why no block was found, told by what the graph is made of. */
export function refuseWithoutBlocks(program: Program): Refused {
  const { nodes } = program.graph
  const find = (...types: readonly string[]): NodeProto | undefined =>
    nodes.find(({ opType }) => types.includes(opType))
  if (nodes.length === 0) return new Refused('TP_EMPTY', 'the graph has no nodes, so there is nothing to prune')
  const fused = find(...fusedAttention)
  if (fused !== undefined) {
    const form = readsEarlierKeys(fused)
      ? 'that keeps the keys and values of earlier tokens, as decoders do'
      : 'in a form that cannot be written out; prune the model as it was exported, and optimise it afterwards'
    return new Refused('TP_FUSED_ATTENTION', `attention is one ${fused.opType} operator here, ${form}`, fused)
  }
  const softmax = find('Softmax')
  const quantised = find(...quantisedProducts)
  if (softmax !== undefined && quantised !== undefined) {
    return new Refused(
      'TP_QUANTISED',
      `no self-attention found between quantised products (${quantised.opType}); prune the model before it is quantised`,
      quantised,
    )
  }
  if (softmax !== undefined) {
    const reason = 'no softmax(Q·Kᵀ)·V is added back to the stream that Q, K and V come from'
    return new Refused('TP_NO_ATTENTION', `no self-attention found: ${reason}`, softmax)
  }
  const fourier = find('DFT', 'STFT')
  if (fourier !== undefined) {
    const reason = 'tokens are mixed by Fourier transforms over the whole sequence'
    return new Refused('TP_NO_ATTENTION', `no self-attention found: ${reason}`, fourier)
  }
  const convolution = find('Conv', 'ConvInteger', 'QLinearConv')
  if (convolution !== undefined) {
    return new Refused('TP_NO_ATTENTION', 'no self-attention found: the model is convolutional', convolution)
  }
  return new Refused('TP_NO_ATTENTION', 'no self-attention found: the model has no softmax at all', nodes[0])
}

const fusedAttention = [
  'Attention',
  'MultiHeadAttention',
  'GroupQueryAttention',
  'PackedAttention',
  'PackedMultiHeadAttention',
  'QAttention',
  'DecoderMaskedMultiHeadAttention',
  'SparseAttention',
]

/** Where fused operators read the keys of earlier tokens; those not here are made for decoders. */
const earlierKeys: Readonly<Record<string, number>> = {
  Attention: 4,
  MultiHeadAttention: 6,
  QAttention: 8,
  PackedAttention: Number.POSITIVE_INFINITY,
  PackedMultiHeadAttention: Number.POSITIVE_INFINITY,
}

function readsEarlierKeys({ opType, input, output }: NodeProto): boolean {
  const index = earlierKeys[opType]
  if (index === undefined) return true
  return (input[index] ?? '') !== '' || (opType !== 'MultiHeadAttention' && (output[1] ?? '') !== '')
}

const quantisedProducts = ['MatMulInteger', 'QLinearMatMul', 'DequantizeLinear', 'DynamicQuantizeMatMul', 'MatMulNBits']

/**
 * Refuses blocks in which a token does not attend to all tokens of the stream: inside windows, or to a grid that was
 * made coarser.
 */
export function requireWholeAttention(program: Program, block: Block): void {
  const { probabilities, chain } = block.attention
  const stream = program.tensor(block.input)
  if (!stream.hasShape) return
  const { dims } = program.tensor(probabilities)
  const [batch, tokens] = stream.dims
  const [queries, keys] = [dims.at(-2), dims.at(-1)]
  if (keys === tokens) return
  const softmax = chain.at(-1)
  if (queries === keys && dims[0] !== batch) {
    throw new Refused(
      'TP_WINDOW_ATTENTION',
      `window attention: tokens attend inside windows of ${keys} tokens that are cut by position, so a token that leaves would change every window`,
      softmax,
    )
  }
  const reducing = [...program.before(block.attention.keyTransposed, block.input)]
    .map((name) => program.graph.producer(name))
    .find((node) => node !== undefined && reducers.has(node.opType))
  if (reducing !== undefined) {
    throw new Refused(
      'TP_SPATIAL_REDUCTION',
      `spatial reduction: keys and values come from the token grid made coarser by "${nameOf(reducing)}", so tokens have to stay on a full grid`,
      reducing,
    )
  }
}

const reducers = new Set(['Conv', 'AveragePool', 'MaxPool', 'GlobalAveragePool', 'Resize'])
