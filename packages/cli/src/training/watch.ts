import type { TrainingPart, TrainingWork, TrainProgress } from '@tp/train'
import type { ProgressDisplay } from '../output/progress.ts'
import { openLog } from './files.ts'
import { saliencyWork, type TrainingJob, type TrainingStage, trainingJob } from './training-job.ts'

/** Reports a training on stderr, and its steps in a log. */
export interface Watch {
  readonly job: TrainingJob
  /** After each step. */
  step(at: TrainProgress, part?: TrainingPart): void
  /** What takes long between steps, and inside of one. */
  work(at: TrainingWork, part?: TrainingPart): void
  /** After a checkpoint was written. */
  saved(): void
  /** @throws TpError TP_WRITE if the log could not be written */
  end(): Promise<void>
}

const fits: Readonly<Record<TrainingPart, TrainingStage>> = { soft: 'fit', hard: 'refit' }

export function watching(progress: ProgressDisplay, logPath: string | undefined): Watch {
  const log = logPath === undefined ? undefined : openLog(logPath)
  const job = trainingJob(progress)
  let last: TrainProgress | undefined
  let noted: TrainProgress | undefined
  const begun = new Set<TrainingPart>()
  /** @param before steps that were taken: above 0 at first, the part is resumed */
  const enter = (part: TrainingPart, before: number): void => {
    job.enter(part, begun.has(part) ? 0 : before)
    begun.add(part)
  }
  const note = (at: TrainProgress): void => {
    noted = at
    progress.note(`step ${at.step} of ${at.steps}: ${stepText(at)}`)
  }
  return {
    job,
    step(at, part = 'hard') {
      enter(part, at.step - 1)
      last = at
      job.step(at.step, at.steps, stepText(at))
      log?.add({ part, ...at })
      if (at.accuracy !== undefined) note(at)
    },
    work({ task, done, total }, part = 'hard') {
      const text = last === undefined ? undefined : stepText(last)
      switch (task) {
        case 'saliency':
          job.expect(saliencyWork(total))
          job.enter('saliency')
          return job.step(done, total)
        case 'step':
          enter(part, Math.floor(done))
          return job.step(done, total, text)
        case 'selection':
          job.enter(part)
          return job.step(last?.step ?? 0, last?.steps ?? 0, `selection ${done} of ${total}`)
        case 'search':
          job.enter('search')
          return job.step(done, total)
        case 'FLOPs':
          job.enter(fits[part])
          return job.step(done, total)
      }
    },
    saved() {
      if (last !== undefined && last !== noted) note(last)
      // What was learned is fitted on the selection set, which takes its time.
      if (last?.kept !== undefined && last.step === last.steps) job.enter('fit')
    },
    end: async () => log?.end(),
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
