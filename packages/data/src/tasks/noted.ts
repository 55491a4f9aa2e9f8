import type { ModelInputs } from '../inputs/model-inputs.ts'

/** Inputs with the note that answers are compared with those of the dense model. */
export function noted<Inputs extends ModelInputs>(inputs: Inputs): Inputs {
  const note = `${inputs.source} has no labels: answers are compared with those of the dense model`
  return { ...inputs, notes: [...inputs.notes, note] }
}
