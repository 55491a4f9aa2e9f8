import type { Files } from '../files.ts'
import { inParallel } from '../measure/measure.ts'
import type { Subject } from '../measure/subject.ts'
import { type Timer, timerOf } from '../measure/times.ts'
import type { Split } from '../registry/data.ts'
import { type ChromiumPage, openChromiumPage, pageTimer } from '../web/chromium-page.ts'
import { type Cell, cellKey, type ShiftCell, type Values } from './cell.ts'
import { measureAccuracy, measureShift, measureSpeed, openShifts } from './measure.ts'
import type { SubjectPlan } from './plan.ts'
import { attempt, type Results } from './results.ts'
import { openCompared } from './subjects.ts'

export interface Run {
  readonly files: Files
  readonly plans: readonly SubjectPlan[]
  readonly results: Results
  /** At most so many examples of a split. */
  readonly examples: number
  readonly isAsked: (cell: Cell) => boolean
}

/** Measures what is asked for and not known yet; what becomes known may ask for more. */
export async function measureAll(run: Run): Promise<void> {
  const { files, plans, results, examples, isAsked } = run
  let page: Promise<ChromiumPage> | undefined
  const timers: Readonly<Record<'node' | 'wasm', () => Promise<Timer>>> = {
    node: async () => timerOf(files.runtime),
    async wasm() {
      page ??= openChromiumPage()
      return pageTimer(await page)
    },
  }
  try {
    for (;;) {
      const waiting = plans
        .flatMap((plan) => plan.cells())
        .filter((cell) => isAsked(cell) && results.line(cell) === undefined)
      const [next] = waiting.toSorted((a, b) => RANKS[a.kind] - RANKS[b.kind])
      if (next === undefined) break
      const { form } = plans.find(({ form }) => form.name === next.subject) as SubjectPlan
      const subject = await openCompared(files, form, splitOf(next), examples)
      const shifted = openShifts(form, files, subject, next as ShiftCell)
      const measureCell = async (cell: Cell, own: Subject): Promise<Values[Cell['kind']]> => {
        if (cell.kind === 'accuracy') return measureAccuracy(files.runtime, own, cell)
        if (cell.kind === 'shift') return measureShift(files.runtime, own, shifted, cell)
        return measureSpeed(await timers[cell.runtime](), own, cell)
      }
      let left = waiting.length
      const tasks = waiting
        .filter((cell) => stageOf(cell) === stageOf(next))
        .map((cell) => async () => {
          await results.add(cell, await attempt(() => measureCell(cell, subject)))
          process.stderr.write(`${--left} more cells: ${cellKey(cell)}\n`)
        })
      // times one after the other, while nothing else runs
      if (next.kind !== 'speed') await inParallel(tasks)
      else for (const task of tasks) await task()
    }
  } finally {
    await (await page)?.[Symbol.asyncDispose]()
  }
}

/** Accuracy first: what is timed depends on it. */
const RANKS: Readonly<Record<Cell['kind'], number>> = { accuracy: 0, speed: 1, shift: 2 }

/** Cells that are measured with the same things open. */
function stageOf(cell: Cell): string {
  return [cell.kind, cell.subject, splitOf(cell)].join()
}

function splitOf(cell: Cell): Split {
  if (cell.kind === 'accuracy') return cell.split
  return cell.kind === 'speed' && 'split' in cell.at ? cell.at.split : 'test'
}
