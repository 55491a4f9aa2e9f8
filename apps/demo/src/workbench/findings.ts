import type { Signal } from '@preact/signals'
import type { Inspection, Refusal } from '@tp/compiler'
import type { NamedTensors } from '@tp/core/runtime'
import type { Accuracy } from '../engine/accuracy.ts'
import type { Times } from '../engine/timing.ts'
import type { TokenTrace } from '../engine/token-trace.ts'
import type { OpenVariant } from '../engine/variants.ts'
import type { Sample } from '../inputs/content.ts'
import type { ModelInputsKnown } from '../inputs/model-inputs-known.ts'

/** What both models answer to one input, and which tokens were pruned. */
export interface ComparedAnswers {
  readonly sample: Sample
  readonly trace: TokenTrace
  readonly dense: NamedTensors
  /** Traces included. */
  readonly pruned: NamedTensors
}

export type WorkbenchStage = 'opening' | 'waiting' | 'running' | 'timing' | 'measuring' | 'done' | 'refused' | 'failed'

/** What is known about a model and the input it was given; undefined: not yet. */
export interface Findings {
  readonly stage: Signal<WorkbenchStage>
  readonly inspection: Signal<Inspection | undefined>
  readonly inputs: Signal<ModelInputsKnown | undefined>
  readonly refusal: Signal<Refusal | undefined>
  readonly result: Signal<ComparedAnswers | undefined>
  readonly pruned: Signal<OpenVariant | undefined>
  /** Multiply-adds of the pruned model as a fraction of those of the dense one. */
  readonly work: Signal<number | undefined>
  readonly times: Signal<Times | undefined>
  readonly accuracy: Signal<Accuracy | undefined>
  /** Why the last attempt failed. */
  readonly problem: Signal<string | undefined>
}
