import { roundsByBatch } from '@tp/compiler'
import type { Model } from '@tp/onnx'

/** A note for each reason why answers depend on what else is in a batch, and what to do about it. */
export function batchNotes(...models: readonly Model[]): string[] {
  if (!models.some(roundsByBatch)) return []
  const seen = 'answers depend on the batch: 8-bit activations are rounded by the range of all that is in it'
  return [`${seen}; tp quantize of the file mends that, and batchTokens 1 (--batch-tokens 1) runs each text alone`]
}
