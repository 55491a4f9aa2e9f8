import {
  add,
  cast,
  gather,
  gelu,
  input,
  layerNormalization,
  matmul,
  mul,
  reshape,
  softmax,
  sub,
  swapLast,
  type Tensor,
  transpose,
  unsqueeze,
} from '@tp/core'
import type { ConstantData } from '@tp/core/expression'
import type { TensorLike } from '@tp/core/runtime'
import { arrayOf, type GoldenArray, type GoldenCase, tensorOf } from '@tp/core/testing'
import { decodeModel, emitModel, type Model } from '@tp/onnx'

/** The outputs of the small BERT of a case. */
export interface GoldenEncoder {
  /** Inputs `hidden` float [B,N,D] and `mask` int64 [B,N]; output `last` [B,N,D] */
  readonly model: Model
  /** [B,N,D] what layer 0 gives, which the first selection sees */
  readonly first: Tensor
}

/** The encoder of a case (its layers are named l0_query_weight …) as a model like exported ones. */
export function goldenEncoder(golden: GoldenCase): GoldenEncoder {
  const { heads, layers, ln_eps: epsilon } = golden.params as Record<string, number>
  const width = arrayOf(golden.inputs, 'hidden').shape[2] as number
  const weight = (name: string): Tensor => tensorOf(arrayOf(golden.inputs, name))
  const linear = (x: Tensor, name: string): Tensor =>
    add(matmul(x, swapLast(weight(`${name}_weight`))), weight(`${name}_bias`))
  const norm = (x: Tensor, name: string): Tensor =>
    layerNormalization(x, weight(`${name}_weight`), weight(`${name}_bias`), epsilon as number)
  const mask = input('mask', 'int64', ['B', 'N'])
  const bias = unsqueeze(mul(sub(1, cast(mask, 'float32')), -10000), [1, 2])

  let x = input('hidden', 'float32', ['B', 'N', width])
  const states: Tensor[] = []
  for (let layer = 0; layer < (layers as number); layer++) {
    const split = (name: string): Tensor =>
      transpose(
        reshape(linear(x, `l${layer}_${name}`), ['B', 'N', heads as number, width / (heads as number)]),
        [0, 2, 1, 3],
      )
    const scores = mul(matmul(split('query'), swapLast(split('key'))), 1 / Math.sqrt(width / (heads as number)))
    const context = matmul(softmax(add(scores, bias)), split('value'))
    const joined = reshape(transpose(context, [0, 2, 1, 3]), ['B', 'N', width])
    x = norm(add(linear(joined, `l${layer}_attn_out_dense`), x), `l${layer}_attn_out_LayerNorm`)
    const inner = gelu(linear(x, `l${layer}_ffn1`))
    x = norm(add(linear(inner, `l${layer}_ffn2`), x), `l${layer}_ffn_ln`)
    states.push(x)
  }
  return { model: decodeModel(emitModel({ last: x })), first: states[0] as Tensor }
}

/** The values that the policy learned at each selection of a case, as `trBert` names them; matrices are stored [out, in] there. */
export function goldenPolicy(golden: GoldenCase, selection: number): Record<string, ConstantData> {
  return Object.fromEntries(
    Object.entries(policyNames).map(([own, theirs]) => {
      const { shape, data } = arrayOf(golden.inputs, theirs.replace('#', `${selection}`))
      const [rows = 0, columns = 1] = shape
      const isMatrix = shape.length === 2
      const numbers = isMatrix ? transposed(data, rows, columns) : data
      const dims = isMatrix ? [columns, rows] : shape
      return [own, { dtype: 'float32' as const, dims, data: Float32Array.from(numbers) }]
    }),
  )
}

/** Names of `trBert`'s parameters → those of the cases. */
export const policyNames: Readonly<Record<string, string>> = {
  weight1: 'policy_linear1_#_weight',
  bias1: 'policy_linear1_#_bias',
  weight2: 'policy_linear2_#_weight',
  bias2: 'policy_linear2_#_bias',
}

/** [rows, columns] → [columns, rows] */
export function transposed(data: ArrayLike<number>, rows: number, columns: number): number[] {
  return Array.from({ length: rows * columns }, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)] as number)
}

/** The state of the class token: [B,N,D] → [B,D] */
export function classState(x: Tensor): Tensor {
  return gather(x, 0, 1)
}

/** A recorded array `times` times, one after another. */
export function feedOf({ dtype, shape, data }: GoldenArray, times = 1): TensorLike {
  const all = Array.from({ length: times }, () => data).flat()
  const dims = [(shape[0] as number) * times, ...shape.slice(1)]
  return dtype === 'int64'
    ? { type: 'int64', dims, data: BigInt64Array.from(all, BigInt) }
    : { type: 'float32', dims, data: Float32Array.from(all) }
}
