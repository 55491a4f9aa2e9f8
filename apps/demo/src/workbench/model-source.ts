import type { ModelFacts, TextTokenizer } from '@tp/data/inputs'
import type { Labeled } from '../engine/accuracy.ts'
import type { DataFiles } from '../engine/inline-weights.ts'
import type { Content } from '../inputs/content.ts'
import type { Preset } from './preset.ts'

/** A model to work on, with what is known of it. */
export interface ModelSource {
  /** File name without `.onnx`. */
  readonly name: string
  readonly bytes: Uint8Array
  readonly facts: Partial<ModelFacts>
  readonly tokenizer?: TextTokenizer | undefined
  /** Weights in files next to it, by their paths. */
  readonly data?: DataFiles | undefined
  /** Measured settings, the safest first. */
  readonly presets?: readonly Preset[] | undefined
  /** Labeled examples that the model has not been trained on. */
  readonly set?: { readonly what: string; load(): Promise<readonly Labeled<Content>[]> }
}
