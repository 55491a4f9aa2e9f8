import type { MethodEntry } from '@tp/core'
import type { OptionValues } from '@tp/core/host'
import type { AbortSignalLike, Runtime, Session, SessionOptions } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/eval/inputs'
import type { Model } from '@tp/onnx'

/** A method that may be chosen, with options of its own. */
export interface Variant {
  readonly entry: MethodEntry
  readonly params?: OptionValues
  /** Whether the tuning goes on without it where the model is refused to it; default: it ends with the refusal. */
  readonly optional?: boolean
}

/** A method that was not tried, since it cannot be used on the model. */
export interface Skipped {
  readonly name: string
  /** Of the refusal. */
  readonly code: `TP_${string}`
  readonly reason: string
}

/** Sizes of a run: examples at once, and tokens of each (padding included). */
export interface Shape {
  readonly batch: number
  /** Undefined where the model always has the same number: images, sounds. */
  readonly tokens?: number
}

export interface TuneOptions {
  /** The dense model. It is not changed. */
  readonly model: Model
  /** Labelled examples that nothing is reported of later. They are divided: to look with, to choose by, and to verify on. */
  readonly inputs: ModelInputs
  readonly variants: readonly Variant[]
  /** Runs the model on the examples. */
  readonly runtime: Runtime
  /** The device that is tuned for; default: `runtime`. One thread. */
  readonly device?: Runtime
  /** How a model is loaded; default: from its bytes. For weights that lie in data files. What is timed has one thread. */
  readonly load?: (runtime: Runtime, model: Model, options: SessionOptions) => Promise<Session>
  /** Points of accuracy that may be lost (default 0.5). */
  readonly maxLoss?: number
  /**
   * Whether the whole 95 % interval of the loss must be within that, not its estimate alone: a plan that loses more is then written with
   * probability 2.5 % at most. It takes 1,938 examples for 0.5 points, 968 for 1 and 483 for 2 if not one answer differs,
   * and more if some do; with fewer it is refused.
   */
  readonly confident?: boolean
  /**
   * Whether uncertain answers may be run again on the dense model, which is then needed beside the pruned one: the plan has a threshold for
   * `cascade` of @tp/guard, and what is run again is part of its time.
   */
  readonly cascade?: boolean
  /** What the time of a plan is judged at; default: examples one by one, at their own lengths. */
  readonly shapes?: readonly Shape[]
  /** Shapes that are timed at the end, to see where pruning pays; default: lengths by powers of 2, batches of 1, 4 and 16. */
  readonly grid?: readonly Shape[]
  /** Measurements of an earlier call that was broken off: they are not made again. */
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
  /** The fastest so far that loses no more than is allowed, in words. */
  readonly best?: string
}
