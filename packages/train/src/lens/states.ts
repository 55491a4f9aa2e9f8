import { soften } from '@tp/compiler'
import {
  add,
  cast,
  concat,
  constantOf,
  div,
  log,
  type Method,
  matmul,
  maximum,
  mul,
  norm2,
  reshape,
  sub,
  sum,
  swapLast,
  type Tensor,
  TpError,
  unsqueeze,
} from '@tp/core'
import { emitModel, type Model } from '@tp/onnx'

/** The states of the dense model where tokens may be pruned, and at the end, as expressions. */
export interface DenseStates {
  /** float32 [B,N,D] where a layer's tokens may be pruned */
  site(layer: number): Tensor
  /** float32 [B,N,D] after the last layer */
  readonly end: Tensor
  /** float [B,N]: 1 for real tokens, 0 for padding */
  readonly attended: Tensor
  readonly hidden: number
}

/** @throws TpError with the code of a refusal; TP_SCHEDULE for a layer that does not exist */
export function denseStates(
  model: Model,
  { layers, encoder }: { readonly layers: readonly number[]; readonly encoder?: string | undefined },
): DenseStates {
  const looks = { method: onlyLooks, layers: [0], params: () => ({}), ...(encoder !== undefined && { encoder }) }
  const soft = soften(model, looks)
  const { attended, hidden, layerCount, sites, end } = soft
  const unknown = layers.find((layer) => sites[layer] === undefined)
  if (unknown !== undefined || layers.length === 0) {
    const seen = unknown === undefined ? 'no layer is named' : `there is no layer ${unknown}`
    throw new TpError('TP_SCHEDULE', 'train', `${seen}: the model has layers 0 to ${layerCount - 1}`)
  }
  if (end === undefined) {
    throw new TpError(
      'TP_RESTORE',
      'train',
      'the end of the last layer was not found, so no final state can be predicted',
    )
  }
  const single = (name: string): Tensor => cast(soft.value(name), 'float32')
  return {
    site: (layer) => single(sites[layer] as string),
    end: single(end),
    attended: cast(attended, 'float32'),
    hidden,
  }
}

/** Names of the outputs. */
export const outputs = {
  xx: (layer: number): string => `xx.${layer}`,
  xy: (layer: number): string => `xy.${layer}`,
  mean: 'mean',
}

/** A graph with Σ x̃ x̃ᵀ [D+1,D+1] and Σ x̃ yᵀ [D+1,D] of each layer, over the real tokens; x̃ is the state with a 1 after it, y the final one. */
export function stateSums(states: DenseStates, layers: readonly number[]): Uint8Array {
  const { end, attended, hidden } = states
  const real = flat(unsqueeze(attended, [2]), 1)
  const y = flat(end, hidden)
  const sums = layers.flatMap((layer) => {
    const x = mul(withOne(flat(states.site(layer), hidden)), real)
    const turned = swapLast(x)
    return [
      [outputs.xx(layer), matmul(turned, x)],
      [outputs.xy(layer), matmul(turned, mul(y, real))],
    ] as const
  })
  return emitModel(Object.fromEntries(sums), { name: 'states' })
}

/**
 * A graph with the mean of the final states, float [B,D]; and of each layer Σ x̃ r [D+1,1] with r the logarithm of the distance of a
 * token's final state from the predicted one.
 */
export function distanceSums(states: DenseStates, predictors: ReadonlyMap<number, Float64Array>): Uint8Array {
  const { end, attended, hidden } = states
  const real = flat(unsqueeze(attended, [2]), 1)
  const y = flat(end, hidden)
  const sums = [...predictors].map(([layer, weights]) => {
    const x = withOne(flat(states.site(layer), hidden))
    const dims = [hidden + 1, hidden]
    const map = constantOf({ dtype: 'float32', dims }, () => Float32Array.from(weights))
    const distance = norm2(sub(y, matmul(x, map)), 1, { keepDims: true })
    return [outputs.xy(layer), matmul(swapLast(mul(x, real)), log(maximum(distance, SMALLEST)))] as const
  })
  const count = maximum(sum(attended, 1, { keepDims: true }), 1)
  const mean = div(sum(mul(end, unsqueeze(attended, [2])), 1), count)
  return emitModel({ [outputs.mean]: mean, ...Object.fromEntries(sums) }, { name: 'distances' })
}

/** Distances below it are rounding. */
const SMALLEST = 1e-6

/** [B,N,width] → [B·N,width] */
function flat(x: Tensor, width: number): Tensor {
  return reshape(x, [-1, width])
}

/** [T,D] → [T,D+1] */
function withOne(x: Tensor): Tensor {
  const column = sum(mul(x, 0), 1, { keepDims: true })
  return concat([x, add(column, 1)], 1)
}

/** A method that changes nothing, to find the encoder's tokens by. */
const onlyLooks: Method = {
  name: 'lens',
  family: 'hybrid',
  reduce: ({ attended }) => ({ keep: attended }),
  training: { soften: ({ kept }) => ({ kept }) },
}
