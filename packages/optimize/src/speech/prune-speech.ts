import { type Plan, quantize, type Refusal, Refused, readAnyStates, transform, transformsOf } from '@tp/compiler'
import type { MethodEntry } from '@tp/core'
import type { Model } from '@tp/onnx'
import { weighDecoders } from './weigh-decoders.ts'

export interface SpeechModels {
  readonly encoder: Model
  /** All files that read the states of the encoder: without past, with past, merged. */
  readonly decoders: readonly Model[]
}

export interface PruneSpeechOptions {
  /** Default: `thin-padding`. Without `restore` the decoders weigh states where they can, and else each pruned position has the row of its nearest neighbor. */
  readonly plan?: Plan
  readonly methods: readonly MethodEntry[]
}

export interface PrunedSpeech extends SpeechModels {
  /** As it was applied, with `restore`. */
  readonly plan: Plan
  /** Why the decoders remain as they are; absent where they do not, or a plan says how tokens are restored. */
  readonly refused?: Refusal
}

/** One of every 8 positions of padding is kept, and counts for them. Of 16 it is faster, and changes texts in other languages than English (docs/speech.md). */
export const SPEECH_PLAN: Plan = { format: 1, method: 'thin-padding' }

/**
 * Prunes an encoder of speech, and changes its decoders so that they attend to what is kept as they did to all of it: a text does not depend on
 * how many rows were kept. Where they cannot be changed, pruned positions are restored, which is as safe and gains less. 8 bits, if the plan says so, for all files.
 *
 * Refused where the encoder is: TP_NO_SIGNAL for one that does not read frames or samples.
 * @throws Refused; TpError as `transformsOf` does
 * @example
 * const { encoder, decoders } = pruneSpeech({ encoder: dense, decoders: [merged] }, { methods })
 */
export function pruneSpeech(
  { encoder, decoders }: SpeechModels,
  { plan = SPEECH_PLAN, methods }: PruneSpeechOptions,
): PrunedSpeech {
  const weighed =
    plan.restore === undefined || plan.restore === 'weighed' ? weighDecoders(encoder, decoders) : undefined
  if (plan.restore === 'weighed' && weighed?.ok === false) {
    const { code, message, node } = weighed.refusal
    throw new Refused(code, message, node)
  }
  const restore = plan.restore ?? (weighed?.ok ? 'weighed' : 'nearest')
  const own: Plan = { ...plan, restore }
  const pruned = transform(encoder, ...transformsOf(own, methods)).model
  const changed = weighed?.ok
    ? weighed.decoders
    : restore === 'none'
      ? decoders.map((decoder) => transform(decoder, readAnyStates()).model)
      : decoders
  const rounded =
    plan.quantize === undefined ? changed : changed.map((decoder) => transform(decoder, quantize(plan.quantize)).model)
  return {
    encoder: pruned,
    decoders: rounded,
    plan: own,
    ...(weighed?.ok === false && { refused: weighed.refusal }),
  }
}
