import type { QuantizeOptions } from '@tp/compiler'
import type { MethodEntry } from '@tp/core'
import type { OptionValues } from '@tp/core/host'
import type { AbortSignalLike, Runtime, Session, SessionOptions } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import type { Protection } from './pruning.ts'

/** A method that may be chosen, with its options. */
export interface Variant {
  readonly entry: MethodEntry
  readonly params?: OptionValues
  /** Whether tuning continues without it if it cannot be used on the model; default: tuning ends with the refusal. */
  readonly optional?: boolean
}

/** A method that was not tried, because it cannot be used on the model. */
export interface Skipped {
  readonly name: string
  /** Code of the refusal. */
  readonly code: `TP_${string}`
  readonly reason: string
}

/** Size of a run: batch size, and tokens of each example (padding included). */
export interface Shape {
  readonly batch: number
  /** Undefined if the model always has the same number: images, sounds. */
  readonly tokens?: number
}

export interface TuneOptions {
  /** The dense model. It is not changed. */
  readonly model: Model
  /**
   * Examples that no later report uses, with labels unless they are candidates to be ranked or come with the dense model's vectors
   * (`vectors`). All of them choose; for a confident bound some are for verification only.
   */
  readonly inputs: ModelInputs
  readonly variants: readonly Variant[]
  /** Runs the model on the examples. */
  readonly runtime: Runtime
  /** The device to tune for; default: `runtime`. One thread. */
  readonly device?: Runtime
  /** How a model is loaded; default: from its bytes. For weights in data files. Timed sessions have one thread. */
  readonly load?: (runtime: Runtime, model: Model, options: SessionOptions) => Promise<Session>
  /** The encoder to prune in a file of several; default: the first that can be pruned. It is part of the plan. */
  readonly encoder?: string
  /** Tokens that are kept whatever the method says, as in `PruneOptions`; they are part of the plan. */
  readonly protection?: Protection
  /**
   * Candidates may also have 8-bit weights, as `quantize` of @tp/compiler makes them with these options (`{}`: the defaults): alone, or
   * after pruning; the plan says so. Where 8 bits alone lose more than is allowed, nothing is pruned in them.
   */
  readonly quantize?: QuantizeOptions
  /**
   * Candidates may also do without layers, as `leaveOut` of @tp/compiler makes them, with every token kept (and in 8 bits, too, if
   * these may be chosen); the plan says so. One layer after another, up to half of them, each time the one whose absence moves the
   * answers least.
   */
  readonly leaveOut?: boolean
  /**
   * Points of accuracy that may be lost (default 0.5), of nDCG@10 where candidates are ranked; of vectors hundredths of the mean cosine to
   * the dense ones.
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
  /** Shapes at which the time of a plan is judged; default: examples one by one, at their own lengths. */
  readonly shapes?: readonly Shape[]
  /** Shapes that are timed at the end, to see where pruning pays; default: lengths by powers of 2, batches of 1, 4 and 16. */
  readonly grid?: readonly Shape[]
  /**
   * Milliseconds after which no further method or profile over the layers is tried; one of each is all the same, and what was found is
   * verified and timed. Default: everything is tried.
   */
  readonly limitMs?: number
  /** Measurements of an interrupted call: they are not repeated. */
  readonly known?: Measurements
  /** Called with all measurements so far after each. */
  readonly onMeasured?: (known: Measurements) => void | Promise<void>
  /** Called for each optional variant that is not tried, before anything is measured. */
  readonly onSkipped?: (skipped: Skipped) => void
  readonly onProgress?: (progress: TuneProgress) => void
  readonly signal?: AbortSignalLike
}

/** Numbers by what was measured, in JSON's types. */
export type Measurements = Readonly<Record<string, readonly number[]>>

export interface TuneProgress {
  readonly stage: 'latency' | 'sensitivity' | 'search' | 'verification' | 'regimes'
  readonly done: number
  readonly total: number
  /** A description of the fastest so far that loses no more than is allowed. */
  readonly best?: string
}
