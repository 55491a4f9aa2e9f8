import type { Inspection } from '@tp/compiler'
import type { Session } from '@tp/core/runtime'
import type { Evaluation } from '@tp/data'
import { compareOnShifts, evaluateOnShifts, type ShiftedSet, type ShiftFigures } from '@tp/data/shifts'
import type { Interval } from '@tp/metrics'
import { nodeRuntime } from '@tp/runtime-node'
import type { Context } from '../command/context.ts'
import { loadSession } from '../model/load-session.ts'
import type { ModelFile } from '../model/model-file.ts'
import { interval, points } from '../output/numbers.ts'
import { partOf } from '../output/progress.ts'
import { table } from '../output/table.ts'
import { evaluation } from './expected-stages.ts'
import type { PrunedVariant } from './variants.ts'

/** Models and what they are run on. */
export interface MeasuredShifts {
  readonly file: ModelFile
  /** Of a model that is pruned. */
  readonly inspection: Inspection | undefined
  readonly variants: readonly PrunedVariant[]
  readonly sets: readonly ShiftedSet[]
  readonly batchSize: number
}

/** What a model answers on each set, and what pruning costs there. */
export interface ShiftReport {
  readonly dense: readonly { readonly name: string; readonly examples: number; readonly accuracy: Interval }[]
  readonly variants: readonly (Pick<PrunedVariant, 'method' | 'keep'> & {
    readonly seeds: number
    readonly sets: readonly ShiftFigures[]
  })[]
}

/** The original file and its variants on all sets, one after another. */
export async function measureShifts(
  measured: MeasuredShifts,
  { progress, signal, runtime = nodeRuntime() }: Context,
): Promise<ShiftReport> {
  const { file, inspection, variants, sets, batchSize } = measured
  const answers = async (session: Session, { step } = progress): Promise<Evaluation[]> => {
    await using running = session
    return await evaluateOnShifts(running, sets, {
      batchSize,
      layerCount: inspection?.layers.length,
      tokens: typeof inspection?.tokens === 'number' ? inspection.tokens : undefined,
      signal,
      onProgress: ({ done, total }) => step(done, total),
    })
  }
  progress.expect?.([1, ...variants.map(({ models }) => models.length)].map(evaluation))
  progress.stage('evaluating dense')
  const dense = await answers(await runtime.load(file.path, { threads: 1, signal }))
  const rows: ShiftReport['variants'][number][] = []
  for (const { method, keep, models } of variants) {
    progress.stage(`evaluating ${[method, keep].join(' ').trim()}`)
    const pruned: Evaluation[][] = []
    for (const [i, { traced }] of models.entries()) {
      const session = await loadSession((await traced()).model, file, { runtime, threads: 1, signal })
      pruned.push(await answers(session, partOf(progress, i, models.length)))
    }
    rows.push({ method, keep, seeds: models.length, sets: compareOnShifts(sets, dense, pruned) })
  }
  const own = sets.map(({ name, inputs }, i) => ({
    name,
    examples: inputs.targets.length,
    accuracy: (dense[i] as Evaluation).accuracy,
  }))
  return { dense: own, variants: rows }
}

/** A table for each variant, or one of the original model if nothing is pruned. */
export function describeShifts({ dense, variants }: ShiftReport): string {
  if (variants.length === 0) {
    const rows = dense.map(({ name, examples, accuracy }) => [name, `${examples}`, interval(accuracy)])
    return table(['set', 'examples', 'accuracy'], rows, ['set'])
  }
  const headings = ['set', 'examples', 'dense', 'pruned', 'kept', 'agrees with dense', 'loss in points', 'extra loss']
  return variants
    .map(({ method, keep, seeds, sets }) => {
      const title = `${[method, keep].join(' ').trim()}${seeds === 1 ? '' : ` (${seeds} seeds)`}`
      const rows = sets.map(({ name, examples, unchanged, dense, pruned, kept, agreement, loss, extraLoss }, i) => [
        name,
        `${examples}`,
        interval(dense),
        interval(pruned),
        kept === undefined ? '–' : kept.toFixed(2),
        `${agreement.toFixed(1)} %`,
        points(loss),
        i === 0 ? '' : unchanged ? 'same inputs' : points(extraLoss),
      ])
      return `${title}\n${table(headings, rows, ['set'])}`
    })
    .join('\n\n')
}
