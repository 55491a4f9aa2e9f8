import { availableParallelism } from 'node:os'
import type { Runtime } from '@tp/core/runtime'
import { inParallel } from '../measure/parallel.ts'
import { sharedPath } from '../report/section.ts'
import { type ChromiumPage, openChromiumPage } from '../web/chromium-page.ts'
import {
  type AccuracyCell,
  type Cell,
  cellKey,
  type ShiftCell,
  type SpeedCell,
  type Split,
  type TrajectoryCell,
} from './cell.ts'
import type { Extent } from './ladder.ts'
import { measureAccuracy } from './measure-accuracy.ts'
import { measureShift, openShifts } from './measure-shift.ts'
import { measureWebSpeed } from './measure-speed.ts'
import { openSplit } from './open-split.ts'
import type { SubjectPlan } from './plan.ts'
import type { Progress } from './progress.ts'
import { attempt } from './refusal.ts'
import type { Results } from './results.ts'
import { timeInProcess } from './speed-process.ts'
import type { SubjectForm } from './subjects.ts'
import { measureTrajectories } from './trajectory.ts'
import type { Opened } from './variants.ts'

export interface Run {
  readonly runtime: Runtime
  readonly plans: readonly SubjectPlan[]
  readonly results: Results
  readonly extent: Extent
  readonly isAsked: (cell: Cell) => boolean
  readonly progress: Progress
}

/** Measures what is asked for and not known yet; what becomes known may ask for more. */
export async function measureAll(run: Run): Promise<void> {
  const { plans, results, isAsked, progress } = run
  await using resources = new Resources(run)
  for (;;) {
    const waiting = plans
      .flatMap((plan) => plan.cells())
      .filter((cell) => isAsked(cell) && results.line(cell) === undefined)
    const [next] = waiting.toSorted((a, b) => rank(a) - rank(b))
    if (next === undefined) break
    const together = waiting.filter((cell) => stageOf(cell) === stageOf(next))
    const { form } = plans.find(({ form }) => form.name === next.subject) as SubjectPlan
    const done = plans.flatMap((plan) => plan.cells()).filter((cell) => results.line(cell) !== undefined).length
    let left = waiting
    const onCell = async (cell: Cell, outcome: Parameters<Results['add']>[1]): Promise<void> => {
      await results.add(cell, outcome)
      left = left.filter((one) => one !== cell)
      progress.took(
        kindOf(cell),
        cell.kind === 'accuracy' || cell.kind === 'shift' ? outcome.seconds / atOnce : outcome.seconds,
      )
      progress.show(done + waiting.length - left.length, left.map(kindOf), cellKey(cell))
    }
    await resources.measure(form, together, onCell)
  }
}

const atOnce = Math.min(4, availableParallelism())

/** Cells that are measured one after the other with the same things open. */
function stageOf(cell: Cell): string {
  if (cell.kind === 'accuracy') return `${cell.kind} ${cell.subject} ${cell.split}`
  if (cell.kind === 'speed') return `${cell.kind} ${cell.subject} ${cell.runtime} ${splitOf(cell)}`
  return `${cell.kind} ${cell.subject}`
}

/** Accuracy first: what is timed depends on it. */
function rank({ kind }: Cell): number {
  return { accuracy: 0, speed: 1, shift: 2, trajectory: 3 }[kind]
}

function kindOf(cell: Cell): string {
  return cell.kind === 'speed' ? `${cell.kind} ${cell.runtime}` : `${cell.kind} ${cell.subject}`
}

function splitOf({ at }: SpeedCell): Split {
  return 'split' in at ? at.split : 'test'
}

type OnCell = (cell: Cell, outcome: Parameters<Results['add']>[1]) => Promise<void>

/** What measuring needs open: one subject at a time, and a page. */
class Resources implements AsyncDisposable {
  readonly #run: Run
  #page: Promise<ChromiumPage> | undefined

  constructor(run: Run) {
    this.#run = run
  }

  async measure(form: SubjectForm, cells: readonly Cell[], onCell: OnCell): Promise<void> {
    const [first] = cells as [Cell]
    if (first.kind === 'accuracy') return this.#accuracy(form, cells as readonly AccuracyCell[], onCell)
    if (first.kind === 'shift') return this.#shifts(form, cells as readonly ShiftCell[], onCell)
    if (first.kind === 'trajectory') return this.#trajectories(form, cells as readonly TrajectoryCell[], onCell)
    const timed = cells as readonly SpeedCell[]
    if (first.runtime === 'wasm') return this.#web(form, timed, onCell)
    await timeInProcess({ subject: form.name, examples: this.#run.extent.examples, cells: timed }, onCell)
  }

  async #accuracy(form: SubjectForm, cells: readonly AccuracyCell[], onCell: OnCell): Promise<void> {
    const { runtime } = this.#run
    const opened = await this.#open(form, (cells[0] as AccuracyCell).split)
    await inParallel(
      cells.map((cell) => async () => onCell(cell, await attempt(() => measureAccuracy(runtime, opened, cell)))),
    )
  }

  async #shifts(form: SubjectForm, cells: readonly ShiftCell[], onCell: OnCell): Promise<void> {
    const { runtime } = this.#run
    const opened = await this.#open(form, 'test')
    const shifted = openShifts(form, { runtime, shared: sharedPath }, opened, cells[0] as ShiftCell)
    await inParallel(
      cells.map((cell) => async () => onCell(cell, await attempt(() => measureShift(runtime, opened, shifted, cell)))),
    )
  }

  async #trajectories(form: SubjectForm, cells: readonly TrajectoryCell[], onCell: OnCell): Promise<void> {
    const { runtime } = this.#run
    const opened = await this.#open(form, 'test')
    const { tokenizer } = form.files({ runtime, shared: sharedPath })
    for (const cell of cells) {
      await onCell(cell, await attempt(() => measureTrajectories(runtime, opened, cell, tokenizer)))
    }
  }

  async #web(form: SubjectForm, cells: readonly SpeedCell[], onCell: OnCell): Promise<void> {
    const opened = await this.#open(form, 'test')
    this.#page ??= openChromiumPage()
    const page = await this.#page
    for (const cell of cells) await onCell(cell, await attempt(() => measureWebSpeed(page, opened, cell)))
  }

  #open(form: SubjectForm, split: Split): Promise<Opened> {
    const { runtime, extent } = this.#run
    return openSplit(form, { runtime, shared: sharedPath }, split, extent.examples)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#page)?.[Symbol.asyncDispose]()
  }
}
