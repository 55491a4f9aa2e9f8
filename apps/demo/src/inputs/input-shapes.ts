import type { PhotoShape } from './image/photo-image.ts'
import type { ModelInputsKnown } from './model-inputs-known.ts'

const STANDARD_SIDE = 224
const STANDARD_RATE = 16_000

/** Size of an axis of the first input; undefined where it is free. */
export function fixedSize({ inputs }: ModelInputsKnown, axis: number): number | undefined {
  const size = inputs[0]?.dims[axis]
  return typeof size === 'number' ? size : undefined
}

/** Of the images that a model takes. */
export function imageShape(known: ModelInputsKnown): PhotoShape {
  const side = known.facts.imageSize ?? STANDARD_SIDE
  return {
    channels: fixedSize(known, 1) ?? 3,
    height: fixedSize(known, 2) ?? side,
    width: fixedSize(known, 3) ?? side,
  }
}

/** Samples a second that a model takes. */
export function sampleRate({ facts }: ModelInputsKnown): number {
  return facts.sampleRate ?? STANDARD_RATE
}
