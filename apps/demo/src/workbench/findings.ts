import type { Signal } from '@preact/signals'
import type { Inspection, Plan, Refusal } from '@tp/compiler'
import type { NamedTensors } from '@tp/core/runtime'
import type { Accuracy } from '../engine/accuracy.ts'
import type { RunTimes } from '../engine/timing.ts'
import type { TokenTrace } from '../engine/token-trace.ts'
import type { PrunedFile } from '../engine/variants.ts'
import type { Content, Sample } from '../inputs/content.ts'
import type { ModelInputsKnown } from '../inputs/model-inputs-known.ts'

/** The answers of both models to one input, and the tokens that were pruned. */
export interface DemoAnswers {
  /** By which the pruned one was. */
  readonly plan: Plan
  readonly content: Content
  readonly sample: Sample
  readonly trace: TokenTrace
  readonly dense: NamedTensors
  /** Traces included. */
  readonly pruned: NamedTensors
}

/** The cost of a setting, known without timing it. */
export interface Arithmetic {
  /** Tokens that remain after each layer's site; undefined where the input decides, until it has been run. */
  readonly tokens: readonly number[] | undefined
  /** Whether this setting has been run on this input: before, a method may still keep fewer. */
  readonly hasRun: boolean
  /** Multiply-adds as a fraction of those of the dense model; undefined: not counted yet. */
  readonly work: number | undefined
}

export type WorkbenchStage = 'opening' | 'waiting' | 'running' | 'timing' | 'measuring' | 'done' | 'refused' | 'failed'

/** The findings about a model and its input; undefined: not yet. */
export interface WorkbenchFindings {
  readonly stage: Signal<WorkbenchStage>
  readonly inspection: Signal<Inspection | undefined>
  readonly inputs: Signal<ModelInputsKnown | undefined>
  readonly refusal: Signal<Refusal | undefined>
  readonly result: Signal<DemoAnswers | undefined>
  /** The pruned model to take along; needs no input. */
  readonly file: Signal<PrunedFile | undefined>
  /** The cost of the setting, also while it is being changed. */
  readonly arithmetic: Signal<Arithmetic | undefined>
  readonly times: Signal<RunTimes | undefined>
  readonly accuracy: Signal<Accuracy | undefined>
  /** Why the last attempt failed. */
  readonly problem: Signal<string | undefined>
}
