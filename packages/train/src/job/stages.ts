/** Stages of a training, in the order in which they come, as far as they do. */
export const trainingStages = [
  'teacher',
  'selection',
  'pruned',
  'saliency',
  'soft',
  'search',
  'fit',
  'hard',
  'refit',
  'end',
  'finished',
] as const

/**
 * `teacher`, `selection`: the dense model answers the examples, and those of the selection. `pruned`: the pruned model does, before
 * anything is learned. `saliency`, `soft`, `search`, `fit`: soft training, and what becomes of it a schedule. `hard`, `refit`: fine-tuning.
 * `end`: the trained model answers the selection; `finished`: after its last change.
 */
export type TrainingStage = (typeof trainingStages)[number]

/** Work of stages, in forward passes of one example; absent: none. */
export type StageWork = Partial<Readonly<Record<TrainingStage, number>>>

/** Stages of one kind take equally long for a unit of work. */
export function kindOfStage(stage: TrainingStage): string {
  return kinds[stage] ?? 'pruned'
}

const kinds: Partial<Readonly<Record<TrainingStage, string>>> = {
  ...{ teacher: 'dense', selection: 'dense', saliency: 'saliency', search: 'search' },
  ...{ soft: 'training', hard: 'training' },
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
  /** The trained model is changed once more, and measured. */
  readonly finishes: boolean
}

/** Work before and in a training whose tokens are pruned as given. */
export function prunedWork({ examples, selection, epochs, evaluations, finishes }: TrainingSize): StageWork {
  return {
    teacher: examples,
    selection,
    pruned: PRUNED * selection,
    hard: PRUNED * (BOTH_PASSES * epochs * examples + (evaluations + 1) * selection),
    ...(finishes && { finished: PRUNED * selection }),
  }
}

export interface MethodTrainingSize extends TrainingSize {
  readonly hardEpochs: number
  /** A share of the FLOPs is aimed at. */
  readonly aims: boolean
  /** The method declares that it learns from the saliency of tokens. Not all that do so declare it. */
  readonly looksAtTokens: boolean
  /** A step ends at the last site, and only the method's values learn. */
  readonly learnsAlone: boolean
}

/** Work of a training of a method. */
export function methodWork(size: MethodTrainingSize): StageWork {
  const { examples, selection, epochs, hardEpochs, aims, looksAtTokens, learnsAlone } = size
  const { hard = 0, finished } = prunedWork({ ...size, epochs: hardEpochs })
  const fit = aims ? PRUNED * COUNTINGS * selection : 0
  return {
    teacher: examples,
    selection,
    ...(looksAtTokens && saliencyWork(examples)),
    soft: (learnsAlone ? 1 : BOTH_PASSES) * epochs * examples,
    fit,
    ...(hardEpochs > 0 && { hard, refit: fit }),
    end: PRUNED * (hardEpochs > 0 ? 2 : 1) * selection,
    ...(finished !== undefined && { finished }),
  }
}

/** Work of finding the saliency of each token. */
export function saliencyWork(examples: number): StageWork {
  return { saliency: BOTH_PASSES * examples }
}
