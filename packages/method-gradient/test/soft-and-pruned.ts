import { prune, soften, transform } from '@tp/compiler'
import { constantOf, type Method, type Schedule, type Values } from '@tp/core'
import type { ConstantData } from '@tp/core/expression'
import { initialValues, learnedAt } from '@tp/core/host'
import type { TensorLike } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'
import type { GoldenCase } from '@tp/core/testing'
import { arrayOf } from '@tp/core/testing'
import { emitModel, encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { Feeds } from './golden-model.ts'

export type LearnedValues = Readonly<Record<string, ConstantData>>

/** Values at the layers of a method as they are before it learns, in a model of hidden size D. */
export function startingValues(
  method: Method,
  layers: readonly number[],
  seed: number,
  sizes: Readonly<Record<string, number>>,
): Map<number, LearnedValues> {
  const random = randomNumbers(seed)
  return new Map(layers.map((layer) => [layer, initialValues(learnedAt(method, layer), sizes, random)]))
}

export interface Compared {
  readonly model: Model
  readonly method: Method
  readonly learned: ReadonlyMap<number, LearnedValues>
  readonly feeds: Readonly<Record<string, TensorLike>>
  /** The name of the output that is compared. */
  readonly output: string
}

/** An output of a model with the soft form in it, where every draw turns out as what is more likely; and what is left. */
export async function softOutput({
  model,
  method,
  learned,
  feeds,
  output,
}: Compared): Promise<{ readonly values: number[]; readonly left: ReadonlyMap<number, number[]> }> {
  const soft = soften(model, { method, layers: [...learned.keys()], params: (layer) => constants(learned, layer) })
  const left = [...soft.kept].map(([layer, tensor]) => [`left_${layer}`, tensor] as const)
  const bytes = emitModel({ [output]: soft.value(output), ...Object.fromEntries(left) })
  const [rows = 1, columns = 1] = Object.values(feeds)[0]?.dims ?? []
  const halves = soft.inputs.map(({ name, dims }) => {
    const sizes = dims.map((dim) => (dim === 'B' ? rows : dim === 'N' ? columns : dim))
    return [name, { type: 'float32', dims: sizes, data: new Float32Array(sizes.reduce((a, b) => a * b, 1)).fill(0.5) }]
  })
  const results = await outputsOf(bytes, { ...feeds, ...Object.fromEntries(halves) })
  const numbers = (name: string): number[] => Array.from(results[name]?.data as Float32Array)
  return {
    values: numbers(output),
    left: new Map([...soft.kept.keys()].map((layer) => [layer, numbers(`left_${layer}`)])),
  }
}

/** The same output of the model that tokens have really left. */
export async function prunedOutput(
  { model, method, learned, feeds, output }: Compared,
  schedule: Schedule,
): Promise<number[]> {
  const pruned = transform(
    model,
    prune({ method, schedule, params: (layer) => constants(learned, layer), outputs: [output] }),
  )
  return Array.from((await outputsOf(encodeModel(pruned.model), feeds))[output]?.data as Float32Array)
}

export async function denseOutput({ model, feeds, output }: Compared): Promise<number[]> {
  return Array.from((await outputsOf(encodeModel(model), feeds))[output]?.data as Float32Array)
}

async function outputsOf(bytes: Uint8Array, feeds: Readonly<Record<string, TensorLike>>) {
  await using session = await nodeRuntime().load(bytes, { threads: 1 })
  const needed = new Set(session.inputs.map(({ name }) => name))
  return await session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => needed.has(name))))
}

function constants(learned: ReadonlyMap<number, LearnedValues>, layer: number): Values {
  return Object.fromEntries(
    Object.entries(learned.get(layer) ?? {}).map(([name, value]) => [name, constantOf(value, () => value.data)]),
  )
}

/** The inputs of the encoder of a case. */
export function feedsOf(golden: GoldenCase): Readonly<Record<string, TensorLike>> {
  const feeds = new Feeds()
  feeds.set('hidden', arrayOf(golden.inputs, 'hidden'))
  feeds.set('mask', arrayOf(golden.inputs, 'valid'))
  return feeds.all
}
