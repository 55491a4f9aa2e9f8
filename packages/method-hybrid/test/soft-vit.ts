import { gradients } from '@tp/autodiff'
import { type SoftModel, soften } from '@tp/compiler'
import {
  add,
  constant,
  gather,
  gelu,
  input,
  layerNormalization,
  type Method,
  matmul,
  mul,
  reshape,
  softmax,
  splitAxis,
  squeeze,
  swapLast,
  type Tensor,
  transpose,
} from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import { arrayOf, type GoldenCase, tensorOf } from '@tp/core/testing'
import { decodeModel, emitModel, type Model } from '@tp/onnx'
import { run } from 'method-tests'

/** A case's pre-norm encoder with the soft form of a method in it. */
export interface SoftVit {
  readonly soft: SoftModel
  /** [B,N,D] what the last layer gives */
  readonly states: Tensor
  /** Values of expressions, and the loss's gradients in what is learned, `grad_BLOCK.NAME`. */
  run(
    outputs: Readonly<Record<string, Tensor>>,
    loss: Tensor,
    feeds?: Readonly<Record<string, TensorLike>>,
  ): Promise<Readonly<Record<string, readonly number[]>>>
}

/** @param learned by layer, the numbers of each value that the method learns */
export function softVit(
  golden: GoldenCase,
  method: Method,
  learned: ReadonlyMap<number, Readonly<Record<string, number>>>,
): SoftVit {
  const pruned = new Map<string, Tensor>()
  const params = (layer: number) =>
    Object.fromEntries(
      Object.entries(learned.get(layer) ?? {}).map(([name, value]) => {
        const leaf = constant([value], 'float32', [])
        pruned.set(`grad_${layer}.${name}`, leaf)
        return [name, leaf]
      }),
    )
  const soft = soften(goldenVit(golden, learned.size), { method, layers: [...learned.keys()], params })
  return {
    soft,
    states: soft.value('states'),
    async run(outputs, loss, feeds = {}) {
      const slopes = gradients(loss, [...pruned.values()])
      const named = [...pruned.keys()].map((name, i) => [name, slopes[i] as Tensor])
      const { shape, data } = arrayOf(golden.inputs, 'x')
      const x = { type: 'float32', dims: [...shape], data: Float32Array.from(data) } as const
      const results = await run({ ...outputs, ...Object.fromEntries(named) }, { ...feeds, x })
      return Object.fromEntries(
        Object.entries(results).map(([name, { data: numbers }]) => [name, Array.from(numbers as Float32Array)]),
      )
    },
  }
}

/** `x` → `states`, and `class`, the first of them, which must stay. */
function goldenVit(golden: GoldenCase, layerCount: number): Model {
  const heads = golden.params.heads as number
  const [, , width] = arrayOf(golden.inputs, 'x').shape as [number, number, number]
  let x = input('x', 'float32', ['B', 'N', width])
  for (let layer = 0; layer < layerCount; layer++) {
    const weight = (name: string): Tensor => tensorOf(arrayOf(golden.inputs, `block${layer}_${name}`))
    const linear = (some: Tensor, name: string): Tensor =>
      add(matmul(some, swapLast(weight(`${name}_weight`))), weight(`${name}_bias`))
    const norm = (some: Tensor, name: string): Tensor =>
      layerNormalization(some, weight(`${name}_weight`), weight(`${name}_bias`), golden.params.ln_eps as number)
    const packed = reshape(linear(norm(x, 'norm1'), 'attn_qkv'), [0, 0, 3, heads, width / heads])
    const [query, key, value] = splitAxis(transpose(packed, [2, 0, 3, 1, 4]), [1, 1, 1], 0).map((part) =>
      squeeze(part, [0]),
    ) as [Tensor, Tensor, Tensor]
    const scores = mul(matmul(query, swapLast(key)), 1 / Math.sqrt(width / heads))
    const context = transpose(matmul(softmax(scores), value), [0, 2, 1, 3])
    x = add(x, linear(reshape(context, [0, 0, width]), 'attn_proj'))
    x = add(x, linear(gelu(linear(norm(x, 'norm2'), 'mlp_fc1')), 'mlp_fc2'))
  }
  return decodeModel(emitModel({ states: x, class: gather(x, 0, 1) }))
}
