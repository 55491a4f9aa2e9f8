import { type Evaluation, evaluate } from '@tp/compare'
import { TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { encodeModel } from '@tp/onnx'
import type { Files } from '../files.ts'
import { ask } from '../measure/measure.ts'
import { batchSizeOf, prepare } from '../measure/prepare.ts'
import type { MeasuredSubject } from '../measure/subject.ts'
import { type Timer, timeCandidates } from '../measure/times.ts'
import { dataOf } from '../registry/subjects.ts'
import type { Shift } from '../shift/shift.ts'
import { type ShiftedSet, shiftedSets } from '../shift/shifted-sets.ts'
import { shiftSuite } from '../shift/shifts.ts'
import type { AccuracyCell, AccuracyValue, ShiftCell, ShiftValue, SpeedCell, SpeedValue } from './cell.ts'
import type { ComparedForm } from './subjects.ts'

/** All examples through a model, and what it keeps of them. */
export async function measureAccuracy(
  runtime: Runtime,
  subject: MeasuredSubject,
  { setting }: Pick<AccuracyCell, 'setting'>,
): Promise<AccuracyValue> {
  const { outcome, flops, kept, maxTokens } = await ask(runtime, subject, setting)
  const { accuracy, predictions, correct } = outcome as Evaluation
  return {
    accuracy: accuracy.estimate,
    answers: predictions.map(inOneCharacter).join(''),
    correct: correct.map(Number).join(''),
    ...(kept && { kept }),
    flops,
    ...(maxTokens !== undefined && { maxTokens }),
  }
}

function inOneCharacter(answer: number): string {
  if (answer < 36) return answer.toString(36)
  throw new TpError('TP_DATA', 'benchmark', `class ${answer} does not fit into one character; 36 classes do`)
}

/** Enough for a narrow interval; of large models the budget of time ends it earlier. */
const MOST_ROUNDS = 40

/** All candidates of a cell in turns. */
export async function measureSpeed(
  timer: Timer,
  subject: MeasuredSubject,
  { at, candidates, budgetMs }: SpeedCell,
): Promise<SpeedValue> {
  const times = await timeCandidates(timer, subject, candidates, { at, rounds: MOST_ROUNDS, budgetMs })
  return { candidates: times.map(({ roundsMs, p50Ms, p90Ms }) => ({ roundsMs, p50Ms, p90Ms })) }
}

/** Short, middling and long texts. */
const LENGTH_BINS = 3

/** Some test examples as they are, and shifted in every way there is for their kind; each text cut to `maxTokens`, if given. */
export type ShiftedData = (maxTokens?: number) => Promise<ShiftedSet[]>

/** Prepares them once, on the first request. */
export function openShifts(
  form: ComparedForm,
  files: Files,
  subject: MeasuredSubject,
  { examples, severity }: ShiftCell,
): ShiftedData {
  const known = new Map<number | undefined, Promise<ShiftedSet[]>>()
  const make: ShiftedData = async (maxTokens) => {
    const dataset = await dataOf(form, files, 'test', Math.min(examples, form.examples.test))
    await using session = await files.runtime.load(subject.file, { threads: 1 })
    return shiftedSets(dataset, shiftSuite(form.modality, [severity]) as readonly Shift[], session.inputs, {
      ...(await form.prepare(files)),
      ...(maxTokens !== undefined && { maxTokens }),
      lengthBins: form.modality === 'text' ? LENGTH_BINS : 0,
      others: (await form.elsewhere?.()) ?? {},
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
  subject: MeasuredSubject,
  shifted: ShiftedData,
  { setting }: Pick<ShiftCell, 'setting'>,
): Promise<ShiftValue> {
  const { model, maxTokens } = await prepare(subject, setting)
  await using session = await runtime.load(encodeModel(model), { threads: 1, worker: true })
  const rightOn = async (inputs: ModelInputs): Promise<string> => {
    const { correct } = await evaluate(session, inputs, { batchSize: batchSizeOf(inputs) })
    return correct.map(Number).join('')
  }
  const answers: ShiftValue['sets'][number][] = []
  // Bins by length are of whole texts, for all settings; they come last.
  const [whole, cut] = [await shifted(), await shifted(maxTokens)]
  for (const [i, { name, examples = [], sameInputs }] of whole.entries()) {
    const [own] = answers
    const isSame = own !== undefined && sameInputs
    const correct = isSame
      ? examples.map((example) => own.correct[example]).join('')
      : await rightOn((cut[i] as ShiftedSet).inputs)
    const isWhole = examples.length === (own ?? { correct }).correct.length
    answers.push({ name, correct, ...(!isWhole && { examples }), unchanged: isSame && isWhole })
  }
  return { sets: answers }
}
