import type { Runtime, Session } from '@tp/core/runtime'
import { evaluate } from '@tp/eval'
import type { ModelInputs } from '@tp/eval/inputs'
import { type Shift, type ShiftedSet, shiftedSets, shiftSuite } from '@tp/eval/shifts'
import { encodeModel } from '@tp/onnx'
import type { ShiftCell, ShiftValue } from './cell.ts'
import type { SharedFiles, SubjectForm } from './subjects.ts'
import { type Opened, prepare } from './variants.ts'

/** Short, middling and long texts. */
const LENGTH_BINS = 3

/** Some test examples as they are, and shifted in every way there is for their kind; each text cut, if it is said. */
export type ShiftedData = (maxTokens?: number) => Promise<ShiftedSet[]>

/** Prepares them when they are asked for, and once. */
export function openShifts(
  form: SubjectForm,
  context: SharedFiles,
  { subject }: Opened,
  { examples, severity }: ShiftCell,
): ShiftedData {
  const known = new Map<number | undefined, Promise<ShiftedSet[]>>()
  const make: ShiftedData = async (maxTokens) => {
    const dataset = await form.data(context, 'test', Math.min(examples, form.examples.test))
    await using session = await context.runtime.load(subject.file, { threads: 1 })
    const shifts = shiftSuite(form.modality, [severity]) as readonly Shift[]
    const options = await form.prepare(context)
    return shiftedSets(dataset, shifts, session.inputs, {
      ...options,
      ...(maxTokens !== undefined && { maxTokens }),
      lengthBins: form.modality === 'text' ? LENGTH_BINS : 0,
      others: form.elsewhere?.() ?? {},
    })
  }
  return (maxTokens) => {
    const sets = known.get(maxTokens) ?? make(maxTokens)
    known.set(maxTokens, sets)
    return sets
  }
}

/** Right answers on each of the sets; texts that are cut are cut where they are in distribution. */
export async function measureShift(
  runtime: Runtime,
  opened: Opened,
  shifted: ShiftedData,
  { setting }: ShiftCell,
): Promise<ShiftValue> {
  const { model, maxTokens } = await prepare(opened, setting)
  await using session = await runtime.load(encodeModel(model), { threads: 1, worker: true })
  const answers: ShiftValue['sets'][number][] = []
  // Bins by length are of whole texts, for all settings; they come last.
  const [whole, cut] = [await shifted(), await shifted(maxTokens)]
  for (const [i, { name, examples = [], sameInputs }] of whole.entries()) {
    const [own] = answers
    const correct =
      own !== undefined && sameInputs
        ? examples.map((example) => own.correct[example]).join('')
        : await rightOn(session, (cut[i] as ShiftedSet).inputs)
    const isWhole = examples.length === (own ?? { correct }).correct.length
    const unchanged = own !== undefined && sameInputs && isWhole
    answers.push({ name, correct, ...(!isWhole && { examples }), unchanged })
  }
  return { sets: answers }
}

async function rightOn(session: Session, inputs: ModelInputs): Promise<string> {
  const batchSize = inputs.lengths === undefined ? 8 : 2
  const { correct } = await evaluate(session, inputs, { batchSize })
  return correct.map(Number).join('')
}
