import { type Method, none, type Runtime, type Schedule } from '@tp/core'
import { believedLosses, divergences, evaluate, largest, type ModelInputs } from '@tp/eval'
import type { Model } from '@tp/onnx'
import type { Measurer } from './measurer.ts'

/** Only answers are asked for: examples go in batches of like length. */
const BATCH = 16

/** What a pruned model answers on some examples. */
export interface Answering {
  readonly measurer: Measurer
  readonly model: Model
  readonly runtime: Runtime
}

/** What the dense model answers on some examples. */
export interface DenseAnswers {
  /** [examples, classes] */
  readonly logits: Float32Array
  readonly classes: number
}

export async function denseAnswers(
  { measurer, model, runtime }: Answering,
  name: string,
  inputs: ModelInputs,
): Promise<DenseAnswers> {
  const numbers = await measurer.measure(`dense answers ${name}`, async () => {
    await using session = await measurer.load(runtime, model, none(), new Map())
    const { logits } = await evaluate(session, inputs, evaluation(measurer))
    return [...logits]
  })
  return { logits: Float32Array.from(numbers), classes: numbers.length / inputs.targets.length }
}

/** The class that a pruned model answers with, by example. */
export async function prunedAnswers(
  { measurer, model, runtime }: Answering,
  name: string,
  { method, schedule }: { readonly method: Method; readonly schedule: Schedule },
  inputs: ModelInputs,
): Promise<readonly number[]> {
  return measurer.measure(`answers ${name}`, async () => {
    await using session = await measurer.load(runtime, model, method, schedule)
    return (await evaluate(session, inputs, evaluation(measurer))).predictions
  })
}

/** Points of accuracy lost against dense, [examples], as labels tell, and as the dense model's own probabilities do. */
export interface Losses {
  readonly labelled: readonly number[]
  readonly believed: readonly number[]
}

/**
 * A turned answer costs 100 points or gains as many, if one goes by the label; on average it costs what the dense model holds its own
 * answer to be likelier than the new one. The second says more with few examples: few answers turn, and their labels are all but a
 * coin's throw. As far as the model is surer than it should be, it is too strict.
 */
export function lossesOf(
  { logits, classes }: DenseAnswers,
  answers: readonly number[],
  targets: readonly number[],
): Losses {
  const right = (i: number, answer: number): number => Number(answer === targets[i])
  const dense = answers.map((_, i) => largest(logits.subarray(i * classes, (i + 1) * classes)))
  return {
    labelled: answers.map((answer, i) => 100 * (right(i, dense[i] as number) - right(i, answer))),
    believed: believedLosses({ logits, classes }, answers),
  }
}

/** How far a pruned model's answers are from the dense one's, by example, in nats. */
export async function measuredDivergences(
  { measurer, model, runtime }: Answering,
  name: string,
  { method, schedule }: { readonly method: Method; readonly schedule: Schedule },
  inputs: ModelInputs,
  dense: DenseAnswers,
): Promise<readonly number[]> {
  return measurer.measure(`divergences ${name}`, async () => {
    await using session = await measurer.load(runtime, model, method, schedule)
    return divergences(dense, await evaluate(session, inputs, evaluation(measurer)))
  })
}

function evaluation({ signal }: Measurer) {
  return { batchSize: BATCH, bootstrap: { resamples: 1 }, signal }
}
