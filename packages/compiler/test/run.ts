import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NamedTensors, Session, TensorLike } from '@tp/core'
import { encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'

/** Opens a model in onnxruntime. `folder`: where its data files are, if it has any. */
export async function open(model: Model | Uint8Array, folder?: string): Promise<Session> {
  const bytes = model instanceof Uint8Array ? model : encodeModel(model)
  if (folder === undefined) return await nodeRuntime().load(bytes, { threads: 1 })
  const copy = await mkdtemp(join(tmpdir(), 'tp-compiler-'))
  try {
    await writeFile(join(copy, 'model.onnx'), bytes)
    for (const file of await readdir(folder)) {
      if (file.endsWith('.data')) await copyFile(join(folder, file), join(copy, file))
    }
    return await nodeRuntime().load(join(copy, 'model.onnx'), { threads: 1 })
  } finally {
    await rm(copy, { recursive: true })
  }
}

/** Runs a model once. */
export async function run(model: Model | Uint8Array, inputs: NamedTensors, folder?: string): Promise<NamedTensors> {
  await using session = await open(model, folder)
  return await session.run(inputs)
}

export function numbers(tensor: TensorLike | undefined): number[] {
  if (tensor === undefined) throw new Error('an output is missing')
  return Array.from(tensor.data as ArrayLike<number>, Number)
}

/** A tensor [b,…] as one list of numbers for each row. */
export function rows(tensor: TensorLike | undefined): number[][] {
  const all = numbers(tensor)
  const count = tensor?.dims[0] ?? 0
  const width = all.length / Math.max(1, count)
  return Array.from({ length: count }, (_, row) => all.slice(row * width, (row + 1) * width))
}

export function int64(dims: readonly number[], values: readonly number[]): TensorLike {
  return { type: 'int64', dims, data: BigInt64Array.from(values, BigInt) }
}

export function float32(dims: readonly number[], values: ArrayLike<number>): TensorLike {
  return { type: 'float32', dims, data: Float32Array.from(values) }
}

/** Largest difference between two lists of numbers, over the larger of 1 and the largest number in `expected`. */
export function difference(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  const scale = Math.max(1, ...expected.map(Math.abs))
  // a NaN has to come out as one: Math.max passes it on
  return Math.max(0, ...actual.map((x, i) => Math.abs(x - (expected[i] as number)))) / scale
}
