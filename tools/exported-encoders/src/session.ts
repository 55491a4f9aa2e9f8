import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NamedTensors, Session } from '@tp/core/runtime'
import { encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'

/** Opens a model in onnxruntime. `folder`: where its data files are, if it has any. */
export async function openModel(model: Model | Uint8Array, folder?: string): Promise<Session> {
  const bytes = model instanceof Uint8Array ? model : encodeModel(model)
  const data = folder === undefined ? [] : (await readdir(folder)).filter((file) => file.endsWith('.data'))
  if (folder === undefined || data.length === 0) return await nodeRuntime().load(bytes, { threads: 1 })
  const copy = await mkdtemp(join(tmpdir(), 'tp-fixture-'))
  try {
    await writeFile(join(copy, 'model.onnx'), bytes)
    for (const file of data) await copyFile(join(folder, file), join(copy, file))
    return await nodeRuntime().load(join(copy, 'model.onnx'), { threads: 1 })
  } finally {
    await rm(copy, { recursive: true })
  }
}

/** Runs a model once. */
export async function runModel(
  model: Model | Uint8Array,
  inputs: NamedTensors,
  folder?: string,
): Promise<NamedTensors> {
  await using session = await openModel(model, folder)
  return await session.run(inputs)
}

/** Runs a model on each of several inputs: opening it takes longer than a run. */
export async function runOnEach(
  model: Model | Uint8Array,
  inputs: readonly NamedTensors[],
  folder?: string,
): Promise<NamedTensors[]> {
  await using session = await openModel(model, folder)
  const results: NamedTensors[] = []
  for (const feeds of inputs) results.push(await session.run(feeds))
  return results
}
