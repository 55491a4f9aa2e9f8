import { MASK } from '@tp/compiler'
import { cast, div, maximum, mul, norm2, squeeze, sum, type Tensor, TpError, unsqueeze } from '@tp/core'
import { maskOf } from '@tp/data/inputs'
import { embeddingOutput } from '@tp/data/outputs'
import type { Graph } from '@tp/onnx'

/**
 * The embedding of each example in a graph: float32 [B,D], of length 1. It is an output [B,D], the only row of one [B,1,D], or the mean of
 * one [B,N,D] over the real tokens, as `embed` of @tp/compare takes it.
 * @param tensor the graph's values as expressions
 * @throws TpError TP_OUTPUT if there is none
 */
export function embeddingOf(graph: Graph, tensor: (name: string) => Tensor): Tensor {
  const outputs = Object.fromEntries(
    graph.outputs.map(({ name }) => {
      const value = tensor(name)
      return [name, { value, type: value.dtype, dims: value.hasShape ? value.dims : [] }]
    }),
  )
  const found = embeddingOutput(outputs)
  if (found === undefined) {
    const seen = Object.entries(outputs).map(([name, { value }]) => `${name} ${value}`)
    const forms = 'one float32 output [B, D] or [B, tokens, D]'
    throw new TpError('TP_OUTPUT', 'train', `the model gives ${seen.join(', ')}; ${forms} is required for an embedding`)
  }
  const { dims, value } = found
  const isOneRow = dims.length === 3 && dims[1] === 1
  const pooled = isOneRow ? squeeze(value, 1) : dims.length === 2 ? value : meanOf(value, attendedOf(graph, tensor))
  return div(pooled, maximum(norm2(pooled, 1, { keepDims: true }), 1e-12))
}

/** The mask of the tokens that an output has a row for; absent: all are real. */
function attendedOf({ inputs, outputs }: Graph, tensor: (name: string) => Tensor): Tensor | undefined {
  // For a model pruned without restoring.
  const own = outputs.find(({ name }) => name === MASK)?.name
  const mask = own ?? maskOf(Object.fromEntries(inputs.map(({ name }) => [name, name])))
  return mask === undefined ? undefined : cast(tensor(mask), 'float32')
}

/** float [B,N,D] → [B,D] */
function meanOf(states: Tensor, attended: Tensor | undefined): Tensor {
  if (attended === undefined) return sum(states, 1)
  const count = maximum(sum(attended, 1, { keepDims: true }), 1)
  return div(sum(mul(states, unsqueeze(attended, [2])), 1), count)
}
