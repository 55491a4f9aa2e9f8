import {
  kindOfStage,
  type StageWork,
  saliencyWork,
  type TrainingObserver,
  type TrainingStage,
  trainingStages,
} from '@tp/train'
import { openLog } from './log.ts'
import type { ProgressDisplay } from './progress.ts'

const texts: Readonly<Record<TrainingStage, string>> = {
  teacher: 'asking the dense model',
  selection: 'asking the dense model about the selection',
  pruned: 'asking the pruned model',
  saliency: 'asking the dense model which tokens count',
  soft: 'soft training',
  search: 'trying schedules',
  fit: 'counting FLOPs',
  hard: 'fine-tuning',
  refit: 'counting FLOPs',
  end: 'asking the pruned model',
  finished: 'asking the model in 8 bits',
}

type Progress = Parameters<Required<TrainingObserver>['onStep']>[0]
type Part = Parameters<Required<TrainingObserver>['onStep']>[1]

/** Shows a training on stderr, and writes its steps to a log. */
export interface Watch extends Required<TrainingObserver> {
  /** @throws TpError TP_WRITE if the log could not be written */
  end(): Promise<void>
}

const fits: Readonly<Record<Part, TrainingStage>> = { soft: 'fit', hard: 'refit' }

export function watching(progress: ProgressDisplay, logPath: string | undefined): Watch {
  const log = logPath === undefined ? undefined : openLog(logPath)
  let known: StageWork | undefined
  let current: TrainingStage | undefined
  let last: Progress | undefined
  let noted: Progress | undefined
  const begun = new Set<Part>()
  const expect = (work: StageWork): void => {
    const goesOn = known !== undefined
    known = { ...known, ...work }
    progress.expect?.(
      trainingStages.map((stage) => ({ work: known?.[stage] ?? 0, kind: kindOfStage(stage) })),
      goesOn,
    )
  }
  /** @param resumedAt steps that were taken before: above 0 at first, the part is resumed */
  const enter = (stage: TrainingStage, resumedAt = 0): void => {
    if (stage === current && resumedAt === 0) return
    current = stage
    progress.stage(texts[stage], trainingStages.indexOf(stage), resumedAt)
  }
  const enterPart = (part: Part, before: number): void => {
    enter(part, begun.has(part) ? 0 : before)
    begun.add(part)
  }
  const note = (at: Progress): void => {
    noted = at
    progress.note(`step ${at.step} of ${at.steps}: ${stepText(at)}`)
  }
  return {
    expect,
    enter: (stage) => enter(stage),
    advance: (done, total) => progress.step(done, total),
    onStep(at, part) {
      enterPart(part, at.step - 1)
      last = at
      progress.step(at.step, at.steps, stepText(at))
      log?.add({ part, ...at })
      if (at.accuracy !== undefined) note(at)
    },
    onWork({ task, done, total }, part) {
      switch (task) {
        case 'saliency':
          expect(saliencyWork(total))
          enter('saliency')
          return progress.step(done, total)
        case 'step':
          enterPart(part, Math.floor(done))
          return progress.step(done, total, last === undefined ? undefined : stepText(last))
        case 'selection':
          enter(part)
          return progress.step(last?.step ?? 0, last?.steps ?? 0, `selection ${done} of ${total}`)
        case 'search':
          enter('search')
          return progress.step(done, total)
        case 'FLOPs':
          enter(fits[part])
          return progress.step(done, total)
      }
    },
    onSaved() {
      if (last !== undefined && last !== noted) note(last)
      // Then amounts are fitted on the selection set, which takes its time.
      if (last?.kept !== undefined && last.step === last.steps) enter('fit')
    },
    onNote: (text) => progress.note(text),
    end: async () => log?.end(),
  }
}

function stepText({ loss, kept, flops, accuracy }: Progress): string {
  return [
    `loss ${loss.toFixed(4)}`,
    ...(kept === undefined ? [] : [`${(100 * kept).toFixed(1)} % of the tokens`]),
    ...(flops === undefined ? [] : [`${(100 * flops).toFixed(1)} % of the FLOPs`]),
    ...(accuracy === undefined ? [] : [`${accuracy.toFixed(1)} % on the selection`]),
  ].join(', ')
}
