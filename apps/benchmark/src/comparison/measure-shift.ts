import type { Runtime } from '@tp/core'
import { evaluate, type Shift, type ShiftedSet, shiftedSets, shiftSuite } from '@tp/eval'
import { encodeModel } from '@tp/onnx'
import type { ShiftCell, ShiftValue } from './cell.ts'
import type { SharedFiles, SubjectForm } from './subjects.ts'
import { type Opened, prepare } from './variants.ts'

/** Some test examples as they are, and shifted in every way there is for their kind. */
export async function openShifts(
  form: SubjectForm,
  context: SharedFiles,
  { subject }: Opened,
  { examples, severity }: ShiftCell,
): Promise<ShiftedSet[]> {
  const dataset = await form.data(context, 'test', Math.min(examples, form.examples.test))
  await using session = await context.runtime.load(subject.file, { threads: 1 })
  const shifts = shiftSuite(form.modality, [severity]) as readonly Shift[]
  return shiftedSets(dataset, shifts, session.inputs, await form.prepare(context))
}

/** Right answers on each of the sets; texts that are cut are cut to what was allowed in distribution. */
export async function measureShift(
  runtime: Runtime,
  opened: Opened,
  sets: readonly ShiftedSet[],
  { setting }: ShiftCell,
): Promise<ShiftValue> {
  const { model } = await prepare(opened, setting)
  await using session = await runtime.load(encodeModel(model), { threads: 1, worker: true })
  const answers: ShiftValue['sets'][number][] = []
  for (const [i, { name, inputs, sameInputs }] of sets.entries()) {
    const unchanged = i > 0 && sameInputs
    const batchSize = inputs.lengths === undefined ? 8 : 2
    const correct = unchanged
      ? (answers[0]?.correct as string)
      : (await evaluate(session, inputs, { batchSize, bootstrap: { resamples: 1 } })).correct.map(Number).join('')
    answers.push({ name, correct, unchanged })
  }
  return { sets: answers }
}
