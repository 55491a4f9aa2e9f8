import { gradients } from '@tp/autodiff'
import { type SoftModel, soften } from '@tp/compiler'
import {
  add,
  cast,
  gelu,
  input,
  layerNormalization,
  type Method,
  matmul,
  mul,
  reshape,
  type Softened,
  type SoftSite,
  softmax,
  sub,
  sum,
  swapLast,
  type Tensor,
  type Training,
  transpose,
  unsqueeze,
} from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import {
  arrayOf,
  expectClose,
  type GoldenArray,
  type GoldenCase,
  type NumberTolerance,
  ofGradients,
  tensorOf,
} from '@tp/core/testing'
import { decodeModel, emitModel, Graph, type Model, readTensor } from '@tp/onnx'
import { run } from 'method-tests'
import { expect } from 'vitest'

/** The learned values of a case at a layer, by the method's names. */
export type LearnedCase = ReadonlyMap<number, Readonly<Record<string, GoldenArray>>>

/** A case's encoder with the soft form of a method in it. */
export interface SoftCase {
  readonly soft: SoftModel
  /** [B,N,D] what the last layer gives */
  readonly states: Tensor
  /** float []: Σ y·g over the states, the part of the loss that the answer gives */
  readonly answer: Tensor
  /** The values whose gradients are compared: `hidden`, the case's weights by their names, and `layer.name` for what is learned. */
  readonly pruned: Readonly<Record<string, Tensor>>
  /** Values of expressions, and gradients of the loss in all leaves as `grad_NAME`. */
  run(outputs: Readonly<Record<string, Tensor>>, loss: Tensor): Promise<Readonly<Record<string, readonly number[]>>>
}

/** Puts a method into the small BERT of a case (layers named l0_query_weight …), as a training does into a model's file. */
export function softCase(golden: GoldenCase, method: Method, learned: LearnedCase): SoftCase {
  const weights = Object.entries(golden.inputs).filter(([name]) => /^l\d.*_(weight|bias)$/.test(name))
  const layerCount = weights.filter(([name]) => name.endsWith('query_weight')).length
  const model = goldenBert(golden, layerCount)
  const pruned: Record<string, Tensor> = {}
  const feeds: Record<string, TensorLike> = {
    hidden: feedOf(arrayOf(golden.inputs, 'hidden')),
    valid: int64(arrayOf(golden.inputs, 'valid')),
    grad_y: feedOf(arrayOf(golden.inputs, 'grad_y')),
  }
  const initializers = new Graph(model).initializers.map((tensor) => ({
    name: tensor.name,
    data: Array.from(readTensor(tensor).data as Float32Array),
  }))
  const overrides = new Map<string, Tensor>()
  for (const [name, array] of weights) {
    // An exporter names them as it likes: they are found by what they hold.
    const held = array.data.map(Math.fround).join()
    const found = initializers.find(({ data }) => data.join() === held)
    if (found === undefined) throw new Error(`${name} is not in the model`)
    pruned[name] = input(name, 'float32', array.shape)
    overrides.set(found.name, pruned[name])
    feeds[name] = feedOf(array)
  }
  for (const [layer, values] of learned) {
    for (const [name, array] of Object.entries(values)) {
      pruned[`${layer}.${name}`] = input(`${layer}.${name}`, 'float32', array.shape)
      feeds[`${layer}.${name}`] = feedOf(array)
    }
  }
  const params = (layer: number) =>
    Object.fromEntries(
      Object.keys(learned.get(layer) ?? {}).map((name) => [name, pruned[`${layer}.${name}`] as Tensor]),
    )
  const soft = soften(model, { method, layers: [...learned.keys()], overrides, params })
  pruned.hidden = soft.value('hidden')
  const states = soft.value('states')
  return {
    soft,
    states,
    answer: sum(mul(states, input('grad_y', 'float32', states.dims)), [0, 1, 2]),
    pruned,
    async run(outputs, loss) {
      const names = Object.keys(pruned)
      const slopes = gradients(
        loss,
        names.map((name) => pruned[name] as Tensor),
      )
      const all = { ...outputs, ...Object.fromEntries(names.map((name, i) => [`grad_${name}`, slopes[i] as Tensor])) }
      const results = await run(all, feeds)
      return Object.fromEntries(
        Object.entries(results).map(([name, { data }]) => [name, Array.from(data as Float32Array)]),
      )
    },
  }
}

/** A method whose soft form is given sites as its authors' code sees them. */
export function seeing(method: Method, soften: (own: Training['soften'], site: SoftSite) => Softened): Method {
  const { training } = method
  if (training === undefined) throw new Error('the method does not learn')
  return Object.freeze<Method>({
    ...method,
    training: { ...training, soften: (site) => soften(training.soften, site) },
  })
}

/** A site of which some is otherwise. */
export function changed(site: SoftSite, changes: Partial<SoftSite>): SoftSite {
  return Object.create(site, Object.getOwnPropertyDescriptors(changes)) as SoftSite
}

/**
 * Compares all gradients that a case has, and that were computed.
 * @param names what a leaf of {@link SoftCase} is called in the case, where not by its own name
 */
export function expectGradients(
  results: Readonly<Record<string, readonly number[]>>,
  golden: GoldenCase,
  names: Readonly<Record<string, string>>,
  tolerance: NumberTolerance = ofGradients,
): void {
  const computed = Object.keys(results).filter((name) => name.startsWith('grad_'))
  const known = new Map(computed.map((name) => [`grad_${names[name.slice(5)] ?? name.slice(5)}`, name]))
  const recorded = Object.keys(golden.outputs).filter((name) => name.startsWith('grad_'))
  expect(
    recorded.filter((name) => !known.has(name)),
    'gradients that were not computed',
  ).toEqual([])
  for (const name of recorded) {
    expectClose(results[known.get(name) as string] ?? [], arrayOf(golden.outputs, name).data, name, tolerance)
  }
}

/** The case's encoder as a file: `hidden`, `valid` → `states`. */
function goldenBert(golden: GoldenCase, layerCount: number): Model {
  const heads = golden.params.heads as number
  const epsilon = golden.params.ln_eps as number
  const width = arrayOf(golden.inputs, 'hidden').shape[2] as number
  const weight = (name: string): Tensor => tensorOf(arrayOf(golden.inputs, name))
  const linear = (x: Tensor, name: string): Tensor =>
    add(matmul(x, swapLast(weight(`${name}_weight`))), weight(`${name}_bias`))
  const norm = (x: Tensor, name: string): Tensor =>
    layerNormalization(x, weight(`${name}_weight`), weight(`${name}_bias`), epsilon)

  const valid = cast(input('valid', 'int64', ['B', 'N']), 'float32')
  let hidden = input('hidden', 'float32', ['B', 'N', width])
  for (let layer = 0; layer < layerCount; layer++) {
    const split = (name: string): Tensor =>
      transpose(reshape(linear(hidden, `l${layer}_${name}`), [0, 0, heads, width / heads]), [0, 2, 1, 3])
    const scores = mul(matmul(split('query'), swapLast(split('key'))), 1 / Math.sqrt(width / heads))
    const masked = add(scores, unsqueeze(mul(sub(1, valid), -10000), [1, 2]))
    const context = reshape(transpose(matmul(softmax(masked), split('value')), [0, 2, 1, 3]), [0, 0, width])
    const attended = norm(add(linear(context, `l${layer}_attn_out_dense`), hidden), `l${layer}_attn_out_LayerNorm`)
    const inner = gelu(linear(attended, `l${layer}_ffn1`))
    hidden = norm(add(linear(inner, `l${layer}_ffn2`), attended), `l${layer}_ffn_ln`)
  }
  return decodeModel(emitModel({ states: hidden }))
}

function feedOf({ shape, data }: GoldenArray): TensorLike {
  return { type: 'float32', dims: [...shape], data: Float32Array.from(data) }
}

function int64({ shape, data }: GoldenArray): TensorLike {
  return { type: 'int64', dims: [...shape], data: BigInt64Array.from(data, BigInt) }
}
