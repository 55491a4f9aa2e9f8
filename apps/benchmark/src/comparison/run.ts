import type { OptimizeProgress } from '@tp/optimize'
import type { Files } from '../files.ts'
import { inParallel } from '../measure/measure.ts'
import { type Timer, timerOf } from '../measure/times.ts'
import { type ChromiumPage, openChromiumPage, pageTimer } from '../web/chromium-page.ts'
import { type CellValues, type ComparisonCell, cellKey, isTimed, type SpeedCell } from './cell.ts'
import type { CellQueue } from './cell-queue.ts'
import { openStage, type QualityCell, stageOf } from './open-stage.ts'
import type { SubjectPlan } from './plan.ts'
import { attempt, type Results } from './results.ts'

export interface ComparisonRun {
  readonly files: Files
  readonly plans: readonly SubjectPlan[]
  readonly results: Results
  /** At most so many examples of a split. */
  readonly examples: number
  readonly isSelected: (cell: ComparisonCell) => boolean
  /** Where cells go that any machine can measure, with what identifies the files of a subject. */
  readonly queue?: { readonly cells: CellQueue; readonly filesOf: (subject: string) => string } | undefined
}

/** Measures requested cells that are not known yet; new results may request more. */
export async function measureAll({ files, plans, results, examples, isSelected, queue }: ComparisonRun): Promise<void> {
  await using timers = openTimers(files)
  for (;;) {
    const waiting = plans
      .flatMap((plan) => plan.cells())
      .filter((cell) => isSelected(cell) && results.line(cell) === undefined)
    const [next] = waiting.toSorted((a, b) => RANKS[a.kind] - RANKS[b.kind])
    if (next === undefined) return
    let left = waiting.length
    const add = async (
      cell: ComparisonCell,
      outcome: ReturnType<typeof attempt<CellValues[ComparisonCell['kind']]>>,
    ): Promise<void> => {
      await results.add(cell, await outcome)
      process.stderr.write(`${--left} more cells: ${cellKey(cell)}\n`)
    }
    if (queue !== undefined && !isTimed(next)) {
      const jobs = waiting.filter((cell): cell is QualityCell => cell.kind === next.kind)
      const measured = (cell: QualityCell) =>
        queue.cells.measure({ cell, examples, files: queue.filesOf(cell.subject) })
      await Promise.all(jobs.map((cell) => add(cell, measured(cell))))
      continue
    }
    const { form } = plans.find(({ form }) => form.name === next.subject) as SubjectPlan
    const stage = await openStage(files, form, next, examples)
    const own = waiting.filter((cell) => stageOf(cell) === stageOf(next))
    const quality = own.filter((cell): cell is QualityCell => !isTimed(cell))
    await inParallel(
      quality.map(
        (cell) => () =>
          add(
            cell,
            attempt(() => stage.quality(cell)),
          ),
      ),
    )
    // Times one after the other, while nothing else runs.
    for (const cell of own.filter(isTimed)) {
      const measured = async () =>
        cell.kind === 'tuned' ? stage.tuned(cell, tell) : stage.speed(cell, await timers.of(cell.runtime))
      await add(cell, attempt<CellValues[ComparisonCell['kind']]>(measured))
    }
  }
}

function tell({ stage, done, total, best }: OptimizeProgress): void {
  process.stderr.write(`tuning, ${stage}: ${done} of ${total}${best === undefined ? '' : `, best so far ${best}`}\n`)
}

/** Accuracy first: what is timed depends on it. */
const RANKS: Readonly<Record<ComparisonCell['kind'], number>> = { accuracy: 0, tuned: 1, speed: 2, shift: 3 }

/** A browser is opened when the first cell asks for it. */
function openTimers({ runtime }: Files): AsyncDisposable & { of(name: SpeedCell['runtime']): Promise<Timer> } {
  let page: Promise<ChromiumPage> | undefined
  return {
    async of(name) {
      if (name === 'node') return timerOf(runtime)
      page ??= openChromiumPage()
      return pageTimer(await page)
    },
    async [Symbol.asyncDispose]() {
      await (await page)?.[Symbol.asyncDispose]()
    },
  }
}
