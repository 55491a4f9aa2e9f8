import type { Signal } from '@preact/signals'
import type { Inspection, Refusal } from '@tp/compiler'
import type { NamedTensors } from '@tp/core/runtime'
import type { Accuracy } from '../engine/accuracy.ts'
import type { Leaving } from '../engine/leaving.ts'
import type { Times } from '../engine/timing.ts'
import type { OpenVariant } from '../engine/variants.ts'
import type { Sample } from '../inputs/content.ts'
import type { ModelInputsKnown } from '../inputs/model-inputs-known.ts'

/** What both models say to one input, and which tokens left. */
export interface ComparedAnswers {
  readonly sample: Sample
  readonly leaving: Leaving
  readonly dense: NamedTensors
  /** Traces included. */
  readonly pruned: NamedTensors
}

export type WorkbenchStage = 'opening' | 'waiting' | 'running' | 'timing' | 'measuring' | 'done' | 'refused' | 'failed'

/** What is known of a model and of the input that it was given; undefined: not yet. */
export interface Findings {
  readonly stage: Signal<WorkbenchStage>
  readonly inspection: Signal<Inspection | undefined>
  readonly inputs: Signal<ModelInputsKnown | undefined>
  readonly refusal: Signal<Refusal | undefined>
  readonly result: Signal<ComparedAnswers | undefined>
  readonly pruned: Signal<OpenVariant | undefined>
  /** Multiply-adds of the pruned model as a share of those of the whole one. */
  readonly work: Signal<number | undefined>
  readonly times: Signal<Times | undefined>
  readonly accuracy: Signal<Accuracy | undefined>
  /** Why the last attempt came to nothing. */
  readonly problem: Signal<string | undefined>
}
