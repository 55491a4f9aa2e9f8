import type { QuantizeOptions, TrainedValues } from '@tp/compiler'
import type { MethodEntry, RecipeLayers } from '@tp/core'
import type { OptionValues } from '@tp/core/host'
import type { AbortSignalLike, Runtime, Session, SessionOptions } from '@tp/core/runtime'
import type { TaskData } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import type { Protection } from './search/pruning.ts'

/** A method that may be chosen, with its options, where recipes do not say it. */
export interface Variant {
  readonly entry: MethodEntry
  readonly params?: OptionValues
  /** Ways to divide pruning among layers; default: every layer, all but the first, one at a third and one at two thirds, the middle. */
  readonly layers?: readonly RecipeLayers[]
  /** Whether the search continues without it if it cannot be used on the model; default: it ends with the refusal. */
  readonly optional?: boolean
}

/** A method or a form that was not tried, because it cannot be used on the model. */
export interface Skipped {
  readonly name: string
  /** Code of the refusal. */
  readonly code: `TP_${string}`
  readonly reason: string
}

/** Size of a run: batch size, and tokens of each example (padding included). */
export interface Shape {
  readonly batch: number
  /** Undefined if the model always has the same number (images, sounds), or for examples as they are. */
  readonly tokens?: number
}

/** A method that is to learn, and what from. */
export interface MethodToTeach {
  readonly entry: MethodEntry
  readonly params?: OptionValues
  /** The encoder that is to be pruned. */
  readonly encoder?: string
  /** The layers where tokens can be pruned, for each of which values are needed. */
  readonly layers: readonly number[]
  readonly inputs: ModelInputs
  /** Others, to choose between steps of the training. */
  readonly selection: ModelInputs
}

export interface OptimizeOptions {
  /** The dense model. It is not changed. */
  readonly model: Model
  /**
   * Examples as the task of the model takes them, that no later report uses. Vectors need no labels: those of the dense model count.
   * From 600 examples on (300 queries or texts to embed) a third is kept to confirm the choice; with fewer all of them choose.
   */
  readonly data: TaskData
  /** Methods to choose from, by their recipes for models of this kind; methods without recipes are not tried. */
  readonly methods?: readonly MethodEntry[]
  /** Methods to choose from whatever their recipes say. */
  readonly variants?: readonly Variant[]
  /**
   * Teaches a method its values, as `teachMethod` of @tp/train does, without labels. It is called for methods whose recipes are for the model
   * and that have something to learn, if there is time, on a third of 900 examples or more (450 texts to embed, or 60 queries with 900 candidates), which choose nothing.
   */
  readonly learn?: (request: MethodToTeach) => Promise<TrainedValues>
  /** Runs the model on the examples. */
  readonly runtime: Runtime
  /** The device to optimize for; default: `runtime`. One thread. */
  readonly device?: Runtime
  /** How a model is loaded; default: from its bytes. For weights in data files. Timed sessions have one thread. */
  readonly load?: (runtime: Runtime, model: Model, options: SessionOptions) => Promise<Session>
  /** The encoder to prune in a file of several; default: the first that can be pruned. It is part of the plan. */
  readonly encoder?: string
  /** Tokens that are kept whatever the method says, as in `PruneOptions`; they are part of the plan. */
  readonly protection?: Protection
  /**
   * Candidates may have 8-bit weights, as `quantize` of @tp/compiler makes them with these options (default `{}`), where the model has
   * float32 weights; the plan says so. false: float32 only.
   */
  readonly quantize?: QuantizeOptions | false
  /** Whether candidates may be packed; default: where the device is a processor, since a GPU may leave their loops to one. */
  readonly pack?: boolean
  /**
   * Whether candidates may do without layers, as `leaveOut` of @tp/compiler makes them, with every token kept; the plan says so. Default:
   * where the model allows it and there is time. true: a model that does not is refused.
   */
  readonly leaveOut?: boolean
  /**
   * Points of accuracy that may be lost (default 0.5), of nDCG@10 where candidates are ranked; of vectors hundredths of the mean cosine to
   * the dense ones, or of Spearman's correlation where people have judged pairs; of tags percent of a sentence's tokens; of words points of the word error rate.
   */
  readonly maxLoss?: number
  /**
   * Whether the whole 95 % interval of the loss must be within that, not only its estimate: then a plan that loses more is written
   * with probability 2.5 % at most. It takes 1,938 examples for 0.5 points, 968 for 1 and 483 for 2 if not one answer differs,
   * and more if some do; with fewer it is refused.
   */
  readonly confident?: boolean
  /**
   * Whether uncertain answers may fall back to the dense model, which is then required at run time, too: the plan has a threshold
   * for `cascade` of @tp/guard, and fallbacks are part of its time.
   */
  readonly cascade?: boolean
  /** Runs that have to be fast; default: examples one by one, texts at lengths that represent all. */
  readonly shapes?: readonly Shape[]
  /**
   * Shapes that are timed at the end, to see where it pays; default: lengths by powers of 2, batches of 1, 4 and 16, and with `minutes`
   * fewer. None: the plan is for all sizes.
   */
  readonly grid?: readonly Shape[]
  /**
   * About how long it may take; the best that was found by then is confirmed and timed. Default: until everything has been tried. Speech
   * is searched whole.
   */
  readonly minutes?: number
  /** Ends the search as the end of the time does: with the best so far. */
  readonly enough?: AbortSignalLike
  /** Measurements of an interrupted call: they are not repeated. */
  readonly known?: Measurements
  /** Called with all measurements so far after each. */
  readonly onMeasured?: (known: Measurements) => void | Promise<void>
  /** Called for each optional variant and form that is not tried. */
  readonly onSkipped?: (skipped: Skipped) => void
  readonly onProgress?: (progress: OptimizeProgress) => void
  readonly signal?: AbortSignalLike
}

/** Numbers by what was measured, in JSON's types. */
export type Measurements = Readonly<Record<string, readonly number[]>>

export interface OptimizeProgress {
  readonly stage: 'vectors' | 'forms' | 'screening' | 'search' | 'learning' | 'verification' | 'regimes'
  readonly done: number
  readonly total: number
  /** A description of the fastest so far that loses no more than is allowed. */
  readonly best?: string
}
