import type { Files } from '../files.ts'
import { inParallel } from '../measure/measure.ts'
import type { Subject } from '../measure/subject.ts'
import type { Split } from '../registry/data.ts'
import { type ChromiumPage, openChromiumPage } from '../web/chromium-page.ts'
import { type Cell, cellKey, type ShiftCell, type SpeedCell, type Values } from './cell.ts'
import { measureAccuracy, measureShift, measureWebSpeed, openShifts } from './measure.ts'
import type { SubjectPlan } from './plan.ts'
import type { Progress } from './progress.ts'
import { attempt, type Results } from './results.ts'
import { timeInProcess } from './speed-process.ts'
import { type ComparedForm, openCompared } from './subjects.ts'

export interface Run {
  readonly files: Files
  readonly plans: readonly SubjectPlan[]
  readonly results: Results
  /** At most so many examples of a split. */
  readonly examples: number
  readonly isAsked: (cell: Cell) => boolean
  readonly progress: Progress
}

/** Measures what is asked for and not known yet; what becomes known may ask for more. */
export async function measureAll(run: Run): Promise<void> {
  const { plans, results, isAsked, progress } = run
  let page: Promise<ChromiumPage> | undefined
  const openPage = (): Promise<ChromiumPage> => {
    page ??= openChromiumPage()
    return page
  }
  try {
    for (;;) {
      const cells = plans.flatMap((plan) => plan.cells())
      const waiting = cells.filter((cell) => isAsked(cell) && results.line(cell) === undefined)
      const [next] = waiting.toSorted((a, b) => RANKS[a.kind] - RANKS[b.kind])
      if (next === undefined) break
      const together = waiting.filter((cell) => stageOf(cell) === stageOf(next))
      const { form } = plans.find(({ form }) => form.name === next.subject) as SubjectPlan
      let left = waiting
      await measureStage(run, form, together, openPage, async (cell, outcome) => {
        await results.add(cell, outcome)
        left = left.filter((one) => one !== cell)
        progress.show(left.length, cellKey(cell))
      })
    }
  } finally {
    await (await page)?.[Symbol.asyncDispose]()
  }
}

/** Accuracy first: what is timed depends on it. */
const RANKS: Readonly<Record<Cell['kind'], number>> = { accuracy: 0, speed: 1, shift: 2 }

/** Cells that are measured one after the other with the same things open. */
function stageOf(cell: Cell): string {
  return `${kindOf(cell)} ${cell.subject} ${splitOf(cell)}`
}

function kindOf(cell: Cell): string {
  return cell.kind === 'speed' ? `${cell.kind} ${cell.runtime}` : `${cell.kind} ${cell.subject}`
}

function splitOf(cell: Cell): Split {
  if (cell.kind === 'accuracy') return cell.split
  return cell.kind === 'speed' && 'split' in cell.at ? cell.at.split : 'test'
}

type OnCell = (cell: Cell, outcome: Parameters<Results['add']>[1]) => Promise<void>

async function measureStage(
  { files, examples }: Run,
  form: ComparedForm,
  cells: readonly Cell[],
  openPage: () => Promise<ChromiumPage>,
  onCell: OnCell,
): Promise<void> {
  const [first] = cells as [Cell]
  const { runtime } = files
  if (first.kind === 'speed' && first.runtime === 'node') {
    return timeInProcess({ subject: form.name, examples, cells: cells as readonly SpeedCell[] }, onCell)
  }
  const subject = await openCompared(files, form, splitOf(first), examples)
  const shifted = first.kind === 'shift' ? openShifts(form, files, subject, first) : undefined
  const tasks = cells.map((cell) => async () => {
    await onCell(cell, await attempt(() => measureCell(cell, subject)))
  })
  // times one after the other
  if (first.kind === 'accuracy' || first.kind === 'shift') await inParallel(tasks)
  else for (const task of tasks) await task()

  async function measureCell(cell: Cell, subject: Subject): Promise<Values[Cell['kind']]> {
    switch (cell.kind) {
      case 'accuracy':
        return measureAccuracy(runtime, subject, cell)
      case 'speed':
        return measureWebSpeed(await openPage(), subject, cell)
      case 'shift':
        return measureShift(runtime, subject, shifted as ReturnType<typeof openShifts>, cell as ShiftCell)
    }
  }
}
