import { createHash } from 'node:crypto'
import { runExamples } from '@tp/compare'
import type { ModelInputs } from '@tp/data/inputs'
import { answerOf } from '@tp/guard'
import { logitsOf, tracedCounts } from '@tp/metrics'
import { keptJson } from '../files.ts'
import type { SectionContext } from '../report/section.ts'

/** Outputs of a model for a data set, example by example. */
export interface MeasuredAnswers {
  readonly logits: readonly (readonly number[])[]
  /** By name of the output, of a model that was pruned with `monitor`. */
  readonly watched: Readonly<Record<string, readonly number[]>>
  /** For a model with traces: mean keep ratio after each layer that prunes. */
  readonly kept: Readonly<Record<number, number>>
}

const BATCH = 8

/** From their file in `reports/answers`, or run now. The name of the file follows from the model's bytes and the data. */
export function answersOf(
  context: Pick<SectionContext, 'runtime' | 'onProgress'>,
  model: Uint8Array,
  inputs: ModelInputs,
  what: string,
): Promise<MeasuredAnswers> {
  const { source, targets, lengths } = inputs
  const hash = createHash('sha256').update(model).update(source).update(`${targets}${lengths}`).digest('hex')
  return keptJson(`answers/${hash.slice(0, 16)}.json`, () => {
    context.onProgress(`${what}, ${targets.length} examples`)
    return run(context, model, inputs)
  })
}

async function run(
  { runtime }: Pick<SectionContext, 'runtime'>,
  model: Uint8Array,
  inputs: ModelInputs,
): Promise<MeasuredAnswers> {
  const count = inputs.targets.length
  const logits = new Array<number[]>(count)
  const watched: Record<string, number[]> = {}
  const kept: Record<number, number> = {}
  await using session = await runtime.load(model, { threads: 1, worker: true })
  await runExamples(session, inputs, { batchSize: BATCH }, ({ outputs, positions }) => {
    const { data, classes } = logitsOf(outputs, positions.length)
    for (const [layer, counts] of tracedCounts(outputs)) {
      const share = (own: number, row: number): number => own / (inputs.lengths?.[positions[row] as number] ?? own)
      const sum = counts.reduce((total, own, row) => total + share(own, row), 0)
      kept[layer] = (kept[layer] ?? 0) + sum / count
    }
    for (const [row, position] of positions.entries()) {
      logits[position] = Array.from(data.subarray(row * classes, (row + 1) * classes))
      for (const name of ['tp.monitor.mass', 'tp.monitor.kept']) {
        const values = outputs[name]?.data
        if (values === undefined) continue
        watched[name] ??= []
        ;(watched[name] as number[])[position] = Number(values[row])
      }
    }
  })
  return { logits, watched, kept }
}

/** Whether each answer is right, 1 or 0. */
export function rightOf(logits: readonly (readonly number[])[], targets: readonly number[]): number[] {
  return logits.map((row, i) => Number(answerOf(row) === targets[i]))
}
