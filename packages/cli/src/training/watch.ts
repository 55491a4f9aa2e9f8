import type { TrainingPart, TrainProgress } from '@tp/train'
import type { ProgressDisplay } from '../output/progress.ts'
import { openLog } from './files.ts'

/** Reports the progress of a training on stderr, and in a log. */
export interface Watch {
  /** After each step. */
  step(at: TrainProgress, part?: TrainingPart): void
  /** Before the first step, for a method that learns from what each token counts for. */
  saliency(at: { readonly done: number; readonly total: number }): void
  /** After a checkpoint was written. */
  saved(): void
  /** @throws TpError TP_WRITE if the log could not be written */
  end(): Promise<void>
}

const stages: Readonly<Record<TrainingPart, string>> = {
  soft: 'soft training',
  hard: 'fine-tuning',
}

export function watching(progress: ProgressDisplay, logPath: string | undefined): Watch {
  const log = logPath === undefined ? undefined : openLog(logPath)
  let part: TrainingPart | undefined
  let last: TrainProgress | undefined
  let noted: TrainProgress | undefined
  let looking = false
  let began = { at: performance.now(), step: 0 }
  const leftText = ({ step, steps }: TrainProgress): string => {
    const seconds = (performance.now() - began.at) / 1000 / Math.max(1, step - began.step)
    return durationText(seconds * (steps - step))
  }
  const note = (at: TrainProgress): void => {
    noted = at
    progress.note(
      `step ${at.step} of ${at.steps}: ${stepText(at)}${at.step < at.steps ? `, ${leftText(at)} left` : ''}`,
    )
  }
  return {
    step(at, own = 'hard') {
      if (own !== part) {
        part = own
        began = { at: performance.now(), step: at.step - 1 }
        progress.stage(stages[own])
      }
      last = at
      progress.step(at.step, at.steps, `${stepText(at)}, ${leftText(at)} left`)
      log?.add({ part: own, ...at })
      if (at.accuracy !== undefined) note(at)
    },
    saliency({ done, total }) {
      if (!looking) progress.stage('asking the dense model which tokens count')
      looking = true
      progress.step(done, total)
    },
    saved() {
      if (last !== undefined && last !== noted) note(last)
      // What was learned is fitted on the selection set, which takes its time.
      if (last?.kept !== undefined && last.step === last.steps) progress.stage('counting FLOPs')
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

/** `40 s`, `3 min`, `1 h 20 min` */
function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
