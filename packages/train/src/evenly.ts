import { type ModelInputs, someExamples } from '@tp/eval'

/** At most so many of the examples, evenly spaced. */
export function evenly(inputs: ModelInputs, most: number): ModelInputs {
  const count = inputs.targets.length
  if (count <= most) return inputs
  return someExamples(
    inputs,
    Array.from({ length: most }, (_, i) => Math.floor((i * count) / most)),
  )
}
