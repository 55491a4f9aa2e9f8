import { gradients } from '@tp/autodiff'
import { type SoftModel, soften } from '@tp/compiler'
import {
  add,
  axisSize,
  cast,
  evaluate,
  gather,
  gelu,
  input,
  layerNormalization,
  type Method,
  matmul,
  mul,
  reshape,
  softmax,
  sub,
  swapLast,
  type Tensor,
  transpose,
  unsqueeze,
  type Values,
} from '@tp/core'
import type { Dim } from '@tp/core/expression'
import type { TensorLike } from '@tp/core/runtime'
import { arrayOf, type GoldenArray, type GoldenCase, tensorOf } from '@tp/core/testing'
import { decodeModel, emitModel, Graph, type Model, readTensor } from '@tp/onnx'
import { expect } from 'vitest'

/**
 * The small BERT of a case as a model: `hidden` [batch,sequence,D] and `mask` [batch,sequence] → `hidden_1` … of each
 * layer and `class`, the first token's last. Weights are named l0_query_weight [out,in] or, `kernels`, l0_query_kernel [in,out].
 */
export function bertModel(golden: GoldenCase, { kernels = false } = {}): Model {
  const { heads, layers, ln_eps: epsilon } = golden.params as Record<string, number>
  const weight = (name: string): Tensor => tensorOf(arrayOf(golden.inputs, name))
  const linear = (x: Tensor, name: string): Tensor => {
    const matrix = kernels ? weight(`${name}_kernel`) : swapLast(weight(`${name}_weight`))
    return add(matmul(x, matrix), weight(`${name}_bias`))
  }
  const [scale, shift] = kernels ? ['gamma', 'beta'] : ['weight', 'bias']
  const norm = (x: Tensor, name: string): Tensor =>
    layerNormalization(x, weight(`${name}_${scale}`), weight(`${name}_${shift}`), epsilon as number)
  const width = arrayOf(golden.inputs, 'hidden').shape[2] as number
  const mask = input('mask', 'int64', ['batch', 'sequence'])
  const bias = mul(sub(1, cast(unsqueeze(mask, [1, 2]), 'float32')), -10000)
  let x = input('hidden', 'float32', ['batch', 'sequence', width])
  const outputs: Record<string, Tensor> = {}
  for (let layer = 0; layer < (layers as number); layer++) {
    const own = `l${layer}`
    const context = attention(x, heads as number, (y, part) => linear(y, `${own}_${part}`), bias)
    x = norm(add(linear(context, `${own}_attn_out_dense`), x), `${own}_attn_out_LayerNorm`)
    x = norm(add(linear(gelu(linear(x, `${own}_ffn1`)), `${own}_ffn2`), x), `${own}_ffn_ln`)
    outputs[`hidden_${layer + 1}`] = x
  }
  outputs.class = gather(x, 0, 1)
  return decodeModel(emitModel(outputs, { opset: 17 }))
}

/** x [b,n,D] → [b,n,D]: softmax(q · kᵀ / √d + bias) · v */
export function attention(
  x: Tensor,
  heads: number,
  linear: (x: Tensor, part: 'query' | 'key' | 'value') => Tensor,
  bias?: Tensor,
): Tensor {
  const width = x.dims[2] as number
  const split = (part: 'query' | 'key' | 'value'): Tensor =>
    transpose(reshape(linear(x, part), [axisSize(x, 0), axisSize(x, 1), heads, width / heads]), [0, 2, 1, 3])
  const scores = mul(matmul(split('query'), swapLast(split('key'))), 1 / Math.sqrt(width / heads))
  const context = matmul(softmax(bias === undefined ? scores : add(scores, bias)), split('value'))
  return reshape(transpose(context, [0, 2, 1, 3]), [axisSize(x, 0), axisSize(x, 1), width])
}

export interface GoldenSoftCase extends SoftModel {
  /** float32, an input of its own instead of a weight or an input of the model, by its name there or its numbers. */
  readonly learning: (of: string | GoldenArray) => Tensor
}

export interface SoftCaseOptions {
  readonly layers: readonly number[]
  readonly params: (layer: number) => Values
  readonly feeds: Feeds
  /** Weights of the model that learn. */
  readonly weights?: readonly GoldenArray[]
}

/** A model with the soft form of a method in it, in which some weights are inputs, as are the method's values. */
export function softened(model: Model, method: Method, options: SoftCaseOptions): GoldenSoftCase {
  const { layers, params, feeds, weights = [] } = options
  const declared = new Graph(model).inputs.map(({ name, dims = [] }) => [name, dims] as const)
  const overrides = new Map<string, Tensor>()
  for (const [name, dims] of declared) if (name !== 'mask') overrides.set(name, input(name, 'float32', dims))
  const names = new Map(weights.map((array) => [array, nameOf(model, array)]))
  for (const [array, name] of names) overrides.set(name, feeds.input(name, array))
  const soft = soften(model, { method, layers, params, overrides })
  return { ...soft, learning: (of) => overrides.get(typeof of === 'string' ? of : (names.get(of) as string)) as Tensor }
}

/** The name of the initializer with these numbers. */
function nameOf(model: Model, { shape, data }: GoldenArray): string {
  const found = new Graph(model).initializers.find(({ dims, ...tensor }) => {
    if (dims.map(Number).join() !== shape.join()) return false
    const own = readTensor({ dims, ...tensor }, model.external).data
    return data.every((x, i) => own[i] === Math.fround(x))
  })
  if (found === undefined) throw new Error(`no weight is [${shape}] ${data[0]} …`)
  return found.name
}

/** Inputs and their numbers. */
export class Feeds {
  readonly all: Record<string, TensorLike> = {}

  /** A new input with the numbers of an array; `dims`: what its sizes are called. */
  input(name: string, array: GoldenArray, dims: readonly Dim[] = array.shape): Tensor {
    this.set(name, array)
    return input(name, array.dtype, dims)
  }

  set(name: string, { dtype, shape, data }: GoldenArray): void {
    this.all[name] =
      dtype === 'int64'
        ? { type: 'int64', dims: shape, data: BigInt64Array.from(data, BigInt) }
        : { type: 'float32', dims: shape, data: Float32Array.from(data) }
  }
}

/** Gradients of a loss by name, computed with the values they are given next to. */
export function computed(
  values: Readonly<Record<string, Tensor>>,
  loss: Tensor,
  learning: Readonly<Record<string, Tensor>>,
  feeds: Feeds,
): Record<string, number[]> {
  const slopes = gradients(loss, Object.values(learning))
  const outputs = {
    ...values,
    ...Object.fromEntries(Object.keys(learning).map((name, i) => [name, slopes[i] as Tensor])),
  }
  const results = evaluate(outputs, feeds.all, { precision: 'float64' })
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, Array.from(data as ArrayLike<number | bigint>, Number)]),
  )
}

/** Within 1e-5 + 1e-3·|b|, the tolerance of recorded gradients. */
export function expectSlope(seen: readonly number[] | undefined, { data }: GoldenArray, what: string): void {
  expect(seen?.length, what).toBe(data.length)
  const far = data.flatMap((y, i) => {
    const x = seen?.[i] as number
    return Math.abs(x - y) <= 1e-5 + 1e-3 * Math.abs(y) ? [] : [`[${i}] ${x} instead of ${y}`]
  })
  expect(far, what).toEqual([])
}
