import type { JobProgress } from '@tp/metrics/progress'
import type { TrainingPart } from '../learn.ts'
import type { TrainProgress } from '../step.ts'
import type { TrainingObserver } from './observer.ts'
import { kindOfStage, type StageWork, saliencyWork, type TrainingStage, trainingStages } from './stages.ts'

const texts: Readonly<Record<TrainingStage, string>> = {
  teacher: 'running the dense model',
  selection: 'running the dense model on the selection',
  pruned: 'running the pruned model',
  saliency: 'measuring which tokens count',
  soft: 'soft training',
  search: 'trying schedules',
  fit: 'counting FLOPs',
  hard: 'fine-tuning',
  refit: 'counting FLOPs',
  end: 'running the pruned model',
  finished: 'running the model in 8 bits',
}

/** A display of stages and steps, and of permanent notes. */
export interface TrainingDisplay extends Pick<JobProgress, 'stage' | 'step'>, Partial<Pick<JobProgress, 'expect'>> {
  note(text: string): void
}

const fits: Readonly<Record<TrainingPart, TrainingStage>> = { soft: 'fit', hard: 'refit' }

/**
 * Shows a training as one job with stages: on a terminal, or by `jobProgress` of `@tp/metrics/progress` in a page.
 * @example
 * const job = jobProgress()
 * const observer = showTraining({ ...job, note: console.log })
 * const { model } = await trainPlan({ dense, source, plan, methods, runtime, inputs, selection, observer })
 */
export function showTraining(display: TrainingDisplay): Required<TrainingObserver> {
  let known: StageWork | undefined
  let current: TrainingStage | undefined
  let last: TrainProgress | undefined
  let noted: TrainProgress | undefined
  const begun = new Set<TrainingPart>()
  const expect = (work: StageWork): void => {
    const goesOn = known !== undefined
    known = { ...known, ...work }
    display.expect?.(
      trainingStages.map((stage) => ({ work: known?.[stage] ?? 0, kind: kindOfStage(stage) })),
      goesOn,
    )
  }
  /** @param resumedAt steps that were taken before: above 0 at first, the part is resumed */
  const enter = (stage: TrainingStage, resumedAt = 0): void => {
    if (stage === current && resumedAt === 0) return
    current = stage
    display.stage(texts[stage], trainingStages.indexOf(stage), resumedAt)
  }
  const enterPart = (part: TrainingPart, before: number): void => {
    enter(part, begun.has(part) ? 0 : before)
    begun.add(part)
  }
  const note = (at: TrainProgress): void => {
    noted = at
    display.note(`step ${at.step} of ${at.steps}: ${stepText(at)}`)
  }
  return {
    expect,
    enter: (stage) => enter(stage),
    advance: (done, total) => display.step(done, total),
    onStep(at, part) {
      enterPart(part, at.step - 1)
      last = at
      display.step(at.step, at.steps, stepText(at))
      if (at.accuracy !== undefined) note(at)
    },
    onWork({ task, done, total }, part) {
      switch (task) {
        case 'saliency':
          expect(saliencyWork(total))
          enter('saliency')
          return display.step(done, total)
        case 'step':
          enterPart(part, Math.floor(done))
          return display.step(done, total, last === undefined ? undefined : stepText(last))
        case 'selection':
          enter(part)
          return display.step(last?.step ?? 0, last?.steps ?? 0, `selection ${done} of ${total}`)
        case 'search':
          enter('search')
          return display.step(done, total)
        case 'FLOPs':
          enter(fits[part])
          return display.step(done, total)
      }
    },
    onSaved() {
      if (last !== undefined && last !== noted) note(last)
      // Then amounts are fitted on the selection set, which takes its time.
      if (last?.kept !== undefined && last.step === last.steps) enter('fit')
    },
    onNote: (text) => display.note(text),
  }
}

function stepText({ loss, kept, flops, accuracy }: TrainProgress): string {
  return [
    `loss ${loss.toFixed(4)}`,
    ...(kept === undefined ? [] : [`${(100 * kept).toFixed(1)} % of the tokens`]),
    ...(flops === undefined ? [] : [`${(100 * flops).toFixed(1)} % of the FLOPs`]),
    ...(accuracy === undefined ? [] : [`${accuracy.toFixed(1)} % on the selection`]),
  ].join(', ')
}
