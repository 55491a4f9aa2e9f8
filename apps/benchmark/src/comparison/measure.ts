import { TpError } from '@tp/core'
import type { NamedTensors, Runtime, Session } from '@tp/core/runtime'
import { evaluate } from '@tp/eval'
import type { ModelInputs } from '@tp/eval/inputs'
import { type Comparison, comparePaired } from '@tp/eval/metrics'
import { type Shift, type ShiftedSet, shiftedSets, shiftSuite } from '@tp/eval/shifts'
import { encodeModel } from '@tp/onnx'
import { mean } from 'simple-statistics'
import type { Files } from '../files.ts'
import { evaluateSetting, feedsAt, type TimedAt } from '../measure/measure.ts'
import { batchSizeOf, flopsOf, type Prepared, prepare } from '../measure/prepare.ts'
import type { Subject } from '../measure/subject.ts'
import { dataOf } from '../registry/subjects.ts'
import type { ChromiumPage } from '../web/chromium-page.ts'
import type { AccuracyCell, AccuracyValue, ShiftCell, ShiftValue, SpeedCell, SpeedValue } from './cell.ts'
import type { ComparedForm } from './subjects.ts'

/** All examples through a model, and what it keeps of them. */
export async function measureAccuracy(
  runtime: Runtime,
  subject: Subject,
  { setting }: Pick<AccuracyCell, 'setting'>,
): Promise<AccuracyValue> {
  const prepared = await prepare(subject, setting)
  const { maxTokens } = prepared
  const traced = await prepare(subject, setting, { trace: true })
  const evaluation = await evaluateSetting(runtime, subject, traced, setting.kind !== 'shallow')
  const kept = maxTokens === undefined ? evaluation.kept?.layers : keptByCutting(subject, prepared)
  return {
    accuracy: evaluation.accuracy.estimate,
    answers: evaluation.predictions.map(inOneCharacter).join(''),
    correct: evaluation.correct.map(Number).join(''),
    ...(kept && { kept }),
    flops: await flopsOf(runtime, subject, setting, prepared),
    ...(maxTokens !== undefined && { maxTokens }),
  }
}

function keptByCutting({ lengths, layers }: Subject, cut: Prepared): number[] {
  const share = mean(cut.lengths.map((length, i) => length / (lengths[i] as number)))
  return Array.from({ length: layers }, () => share)
}

function inOneCharacter(answer: number): string {
  if (answer < 36) return answer.toString(36)
  throw new TpError('TP_DATA', 'benchmark', `class ${answer} does not fit into one character; 36 classes do`)
}

/** Enough for a narrow interval; of large models the budget of time ends it earlier. */
const MOST_ROUNDS = 40

/** Different batches of a shape. */
const TURNS = 3

/** All candidates in turns, each on one thread of this process. */
export async function measureSpeed(runtime: Runtime, subject: Subject, cell: SpeedCell): Promise<SpeedValue> {
  const sessions: Record<string, Session> = {}
  try {
    const { files, inputs, inputsOf } = await timedInputs(subject, cell)
    for (const [i, file] of files.entries()) sessions[i] = await runtime.load(file, { threads: 1 })
    const { budgetMs } = cell
    return timesOf(await comparePaired(sessions, inputs, { rounds: MOST_ROUNDS, budgetMs, inputsOf }), inputs.length)
  } finally {
    for (const session of Object.values(sessions)) await session.dispose()
  }
}

/** The same in a page, where only batches of a shape are timed. */
export async function measureWebSpeed(page: ChromiumPage, subject: Subject, cell: SpeedCell): Promise<SpeedValue> {
  const { files, inputs } = await timedInputs(subject, cell)
  try {
    for (const [i, file] of files.entries()) await page.load(`${i}`, file, 'wasm', { threads: 1 })
    return timesOf(await page.compare(inputs, { rounds: MOST_ROUNDS, budgetMs: cell.budgetMs }), inputs.length)
  } finally {
    await page.clear()
  }
}

function timesOf({ variants }: Comparison, inputs: number): SpeedValue {
  // names are numbers, which objects keep in order
  const times = Object.values(variants).map(({ roundsMs, p50Ms, p90Ms }) => ({ roundsMs, p50Ms, p90Ms }))
  return { inputs, candidates: times }
}

async function timedInputs(subject: Subject, { candidates, at: asked }: SpeedCell) {
  const prepared: Prepared[] = []
  for (const setting of candidates) prepared.push(await prepare(subject, setting))
  const files = prepared.map(({ model }) => encodeModel(model))
  const at: TimedAt = 'split' in asked ? { examples: asked.examples } : { ...asked, turns: TURNS }
  /** Of candidates whose texts are cut. */
  const inputsOf: Record<string, readonly NamedTensors[]> = {}
  for (const [i, { inputs }] of prepared.entries()) {
    if (inputs !== subject.inputs) inputsOf[i] = await feedsAt(subject, inputs, at)
  }
  return { files, inputs: await feedsAt(subject, subject.inputs, at), inputsOf }
}

/** Short, middling and long texts. */
const LENGTH_BINS = 3

/** Some test examples as they are, and shifted in every way there is for their kind; each text cut to `maxTokens`, if given. */
export type ShiftedData = (maxTokens?: number) => Promise<ShiftedSet[]>

/** Prepares them when they are asked for, and once. */
export function openShifts(
  form: ComparedForm,
  files: Files,
  subject: Subject,
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
  subject: Subject,
  shifted: ShiftedData,
  { setting }: ShiftCell,
): Promise<ShiftValue> {
  const { model, maxTokens } = await prepare(subject, setting)
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
    answers.push({
      name,
      correct,
      ...(!isWhole && { examples }),
      unchanged: own !== undefined && sameInputs && isWhole,
    })
  }
  return { sets: answers }
}

async function rightOn(session: Session, inputs: ModelInputs): Promise<string> {
  const { correct } = await evaluate(session, inputs, { batchSize: batchSizeOf(inputs) })
  return correct.map(Number).join('')
}
