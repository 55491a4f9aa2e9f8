import type { ProgressDisplay } from '../output/progress.ts'

/** What a training does, in this order, as far as it does. */
const texts = {
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
  rounded: 'asking the model in 8 bits',
} as const

/** Stages that take about as long for a unit of work; others ask a pruned model. */
const kinds: Partial<Readonly<Record<TrainingStage, string>>> = {
  ...{ teacher: 'dense', selection: 'dense', saliency: 'saliency', search: 'search' },
  ...{ soft: 'training', hard: 'training' },
}

export type TrainingStage = keyof typeof texts

const order = Object.keys(texts) as TrainingStage[]

/** Work of stages, in forward passes of one example; absent: none. */
export type StageWork = Partial<Readonly<Record<TrainingStage, number>>>

/** The whole training on the display of its progress. */
export interface TrainingJob {
  /** Says what is to be done, as soon as it is known; more may become known later. */
  expect(work: StageWork): void
  /**
   * Does nothing in the stage itself, but if it turns out to be resumed.
   * @param resumedAt steps of it that were taken before
   */
  enter(stage: TrainingStage, resumedAt?: number): void
  step(done: number, total: number, detail?: string): void
}

export function trainingJob(progress: ProgressDisplay): TrainingJob {
  let known: StageWork | undefined
  let current: TrainingStage | undefined
  return {
    expect(work) {
      const goesOn = known !== undefined
      known = { ...known, ...work }
      progress.expect?.(
        order.map((stage) => ({ work: known?.[stage] ?? 0, kind: kinds[stage] ?? 'pruned' })),
        goesOn,
      )
    },
    enter(stage, resumedAt = 0) {
      if (stage === current && resumedAt === 0) return
      current = stage
      progress.stage(texts[stage], order.indexOf(stage), resumedAt)
    },
    step: (done, total, detail) => progress.step(done, total, detail),
  }
}

/** A forward and a backward pass take as long as this many forward passes; with tokens pruned, they take about this share. */
const BOTH_PASSES = 4
const PRUNED = 0.6
/** The FLOPs of this many schedules are counted, on the selection set. */
const COUNTINGS = 9

export interface TrainingSize {
  readonly examples: number
  readonly selection: number
  readonly epochs: number
  readonly evaluations: number
  /** What was trained is stored in 8 bits. */
  readonly rounds: boolean
}

/** Work before and in a training whose tokens are pruned as given. */
export function prunedWork({ examples, selection, epochs, evaluations, rounds }: TrainingSize): StageWork {
  return {
    teacher: examples,
    selection,
    pruned: PRUNED * selection,
    hard: PRUNED * (BOTH_PASSES * epochs * examples + (evaluations + 1) * selection),
    ...(rounds && { rounded: PRUNED * selection }),
  }
}

export interface MethodTrainingSize extends TrainingSize {
  readonly hardEpochs: number
  /** A share of the FLOPs is aimed at. */
  readonly aims: boolean
  /** The method says that it learns from what each token counts. Not all that do say so. */
  readonly looksAtTokens: boolean
  /** A step ends at the last site, and only the method's values learn. */
  readonly learnsAlone: boolean
}

/** Work of a training of a method. */
export function methodWork(size: MethodTrainingSize): StageWork {
  const { examples, selection, epochs, hardEpochs, aims, looksAtTokens, learnsAlone } = size
  const { hard = 0, rounded } = prunedWork({ ...size, epochs: hardEpochs })
  const fit = aims ? PRUNED * COUNTINGS * selection : 0
  return {
    teacher: examples,
    selection,
    ...(looksAtTokens && saliencyWork(examples)),
    soft: (learnsAlone ? 1 : BOTH_PASSES) * epochs * examples,
    fit,
    ...(hardEpochs > 0 && { hard, refit: fit }),
    end: PRUNED * (hardEpochs > 0 ? 2 : 1) * selection,
    ...(rounded !== undefined && { rounded }),
  }
}

/** Work of asking what each token counts. */
export function saliencyWork(examples: number): StageWork {
  return { saliency: BOTH_PASSES * examples }
}
