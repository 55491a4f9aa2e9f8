import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { TensorLike } from '@tp/core/runtime'
import { batches, type ModelInputs } from '@tp/eval/inputs'
import { tracedCounts } from '@tp/eval/metrics'
import { writeWhole } from '../output/write-file.ts'
import type { Context } from '../report/section.ts'

/** Outputs of a model for a data set, example by example. */
export interface Answers {
  readonly logits: readonly (readonly number[])[]
  /** By name of the output, of a model that was pruned with `monitor`. */
  readonly watched: Readonly<Record<string, readonly number[]>>
  /** Of a model with traces: mean share of the tokens that is left behind each layer where some leave. */
  readonly kept: Readonly<Record<number, number>>
}

const BATCH = 8

/** From their file in `reports/guard`, or run now. The name of the file follows from the model's bytes and the data. */
export async function answersOf(
  { runtime, onProgress }: Context,
  model: Uint8Array,
  inputs: ModelInputs,
  what: string,
): Promise<Answers> {
  const hash = createHash('sha256').update(model).update(inputs.source).update(`${inputs.targets}${inputs.lengths}`)
  const path = fileURLToPath(
    new URL(`../../../../reports/guard/${hash.digest('hex').slice(0, 16)}.json`, import.meta.url),
  )
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch {
    onProgress(`${what}, ${inputs.targets.length} examples`)
  }
  const logits = new Array<number[]>(inputs.targets.length)
  const watched: Record<string, number[]> = {}
  const kept: Record<number, number> = {}
  await using session = await runtime.load(model, { threads: 1, worker: true })
  for (const positions of batches(logits.length, BATCH, inputs.lengths)) {
    const outputs = await session.run(await inputs.feeds(positions))
    const { dims, data } = outputs.logits as TensorLike
    const classes = dims[1] as number
    for (const [layer, counts] of tracedCounts(outputs)) {
      const share = (count: number, row: number): number =>
        count / (inputs.lengths?.[positions[row] as number] ?? count)
      const sum = counts.reduce((total, count, row) => total + share(count, row), 0)
      kept[layer] = (kept[layer] ?? 0) + sum / logits.length
    }
    for (const [row, position] of positions.entries()) {
      logits[position] = Array.from((data as Float32Array).subarray(row * classes, (row + 1) * classes))
      for (const name of ['tp.monitor.mass', 'tp.monitor.kept']) {
        const values = outputs[name]?.data
        if (values === undefined) continue
        watched[name] ??= []
        ;(watched[name] as number[])[position] = Number(values[row])
      }
    }
  }
  await writeWhole(path, JSON.stringify({ logits, watched, kept }))
  return { logits, watched, kept }
}
