import { type Method, none, type Schedule } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { evaluate } from '@tp/eval'
import type { ModelInputs } from '@tp/eval/inputs'
import { divergences, expectedLosses, largest, logitRowsOf } from '@tp/eval/metrics'
import { uncertaintyOf } from '@tp/guard'
import type { Model } from '@tp/onnx'
import type { Measurer } from './measurer.ts'

/** Only answers matter here, so batches hold examples of similar length. */
const BATCH = 16

/** How answers are computed. */
export interface Answering {
  readonly measurer: Measurer
  readonly model: Model
  readonly runtime: Runtime
}

interface MethodAndSchedule {
  readonly method: Method
  readonly schedule: Schedule
}

/** What a model answers on some examples. */
export interface Answers {
  /** [examples, classes] */
  readonly logits: Float32Array
  readonly classes: number
}

export function denseAnswers(answering: Answering, name: string, inputs: ModelInputs): Promise<Answers> {
  return answersOf(answering, `dense answers ${name}`, { method: none(), schedule: new Map() }, inputs)
}

export function prunedAnswers(
  answering: Answering,
  name: string,
  pruning: MethodAndSchedule,
  inputs: ModelInputs,
): Promise<Answers> {
  return answersOf(answering, `logits ${name}`, pruning, inputs)
}

async function answersOf(
  { measurer, model, runtime }: Answering,
  key: string,
  { method, schedule }: MethodAndSchedule,
  inputs: ModelInputs,
): Promise<Answers> {
  const numbers = await measurer.measure(key, async () => {
    await using session = await measurer.load(runtime, model, method, schedule, {})
    const { logits } = await evaluate(session, inputs, evaluation(measurer))
    return [...logits]
  })
  return { logits: Float32Array.from(numbers), classes: numbers.length / inputs.targets.length }
}

/** The class that each example is answered with. */
export function predictionsOf(answers: Answers): number[] {
  return logitRowsOf(answers).map(largest)
}

/** How uncertain each answer is, 1 − its probability. */
export function uncertaintiesOf(answers: Answers): number[] {
  return logitRowsOf(answers).map((row) => uncertaintyOf(row, 'probability'))
}

/** Points of accuracy lost against dense, [examples], by the labels, and by the dense model's own probabilities. */
export interface Losses {
  readonly labelled: readonly number[]
  readonly expected: readonly number[]
}

/**
 * By the label a changed answer loses or gains 100 points. By the dense model's probabilities it loses the difference between
 * those of the old and the new answer. The second is more precise with few examples, because few answers change and their labels
 * are almost random. It is too strict as far as the model is overconfident.
 */
export function lossesOf(dense: Answers, answers: readonly number[], targets: readonly number[]): Losses {
  const right = (i: number, answer: number): number => Number(answer === targets[i])
  const before = predictionsOf(dense)
  return {
    labelled: answers.map((answer, i) => 100 * (right(i, before[i] as number) - right(i, answer))),
    expected: expectedLosses(dense, answers),
  }
}

/** How far a pruned model's answers are from the dense one's, by example, in nats. */
export async function measuredDivergences(
  { measurer, model, runtime }: Answering,
  name: string,
  { method, schedule }: MethodAndSchedule,
  inputs: ModelInputs,
  dense: Answers,
): Promise<readonly number[]> {
  return measurer.measure(`divergences ${name}`, async () => {
    await using session = await measurer.load(runtime, model, method, schedule, {})
    return divergences(dense, await evaluate(session, inputs, evaluation(measurer)))
  })
}

function evaluation({ signal }: Measurer) {
  return { batchSize: BATCH, signal }
}
