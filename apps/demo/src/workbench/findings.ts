import type { Signal } from '@preact/signals'
import type { Inspection, Refusal } from '@tp/compiler'
import type { NamedTensors } from '@tp/core/runtime'
import type { Accuracy } from '../engine/accuracy.ts'
import type { Leaving } from '../engine/leaving.ts'
import type { Times } from '../engine/timing.ts'
import type { Variant } from '../engine/variants.ts'
import type { Sample } from '../inputs/content.ts'
import type { ModelInputsKnown } from '../inputs/model-inputs-known.ts'

/** What both models say to one input, and which tokens left. */
export interface Result {
  readonly sample: Sample
  readonly leaving: Leaving
  readonly dense: NamedTensors
  /** Traces included. */
  readonly pruned: NamedTensors
}

export type Stage = 'opening' | 'waiting' | 'running' | 'timing' | 'measuring' | 'done' | 'refused' | 'failed'

/** What is known of a model and of the input that it was given; undefined: not yet. */
export interface Findings {
  readonly stage: Signal<Stage>
  readonly inspection: Signal<Inspection | undefined>
  readonly inputs: Signal<ModelInputsKnown | undefined>
  readonly refusal: Signal<Refusal | undefined>
  readonly result: Signal<Result | undefined>
  readonly pruned: Signal<Variant | undefined>
  /** Multiply-adds of the pruned model as a share of those of the whole one. */
  readonly work: Signal<number | undefined>
  readonly times: Signal<Times | undefined>
  readonly accuracy: Signal<Accuracy | undefined>
  /** Why the last attempt came to nothing. */
  readonly problem: Signal<string | undefined>
}
