import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect, type PruneOptions, prune, transform } from '@tp/compiler'
import type { Method } from '@tp/core'
import type { NamedTensors, Session, TensorLike } from '@tp/core/runtime'
import { unlearnedValues } from '@tp/core/testing'
import { decodeModel, decodeTensor, encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { fixturesFolder, fixturesIn } from 'exported-encoders'

/** An exported encoder. */
export function fixtureFolder(name: string): string {
  return join(fixturesFolder, name)
}

export function fixtureNames(): string[] {
  return fixturesIn(fixturesFolder).map(({ name }) => name)
}

export function openFixture(folder: string): Model {
  return decodeModel(readFileSync(join(folder, 'model.onnx')))
}

export function inputsOf(folder: string, set = 'test_data_set_0'): NamedTensors {
  const files = readdirSync(join(folder, set)).filter((file) => file.startsWith('input'))
  const tensors = files.map((file) => decodeTensor(readFileSync(join(folder, set, file))))
  return Object.fromEntries(tensors.map(({ name, type, dims, data }) => [name, { type, dims, data }]))
}

/** By values as they are before anything was learned, where the method has any. @throws Error with the reason of a refusal */
export function pruned(model: Model, options: PruneOptions): Model {
  const result = transform(model, prune({ ...unlearned(model, options.method), ...options }))
  return result.model
}

export async function runModel(model: Model, inputs: NamedTensors): Promise<NamedTensors> {
  await using session = await openModel(model)
  return await session.run(inputs)
}

export function openModel(model: Model): Promise<Session> {
  return nodeRuntime().load(encodeModel(model), { threads: 1 })
}

export function numbers(tensor: TensorLike | undefined): number[] {
  if (tensor === undefined) throw new Error('an output is missing')
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number)
}

/** Largest difference, over the larger of 1 and the largest number in `expected`; NaN if there is one. */
export function difference(seen: readonly number[], expected: readonly number[]): number {
  if (seen.length !== expected.length) return Number.POSITIVE_INFINITY
  const scale = Math.max(1, ...expected.map(Math.abs))
  return Math.max(0, ...seen.map((x, i) => Math.abs(x - (expected[i] as number)))) / scale
}

export function int64(dims: readonly number[], values: readonly number[]): TensorLike {
  return { type: 'int64', dims, data: BigInt64Array.from(values, BigInt) }
}

function unlearned(model: Model, method: Method): Pick<PruneOptions, 'params'> {
  const seen = inspect(model)
  return method.params === undefined || !seen.ok
    ? {}
    : { params: (layer) => unlearnedValues(method, layer, { D: seen.hidden }) }
}
