import { classify, embed, rank, rankingDivergences } from '@tp/compare'
import type { Runtime } from '@tp/core/runtime'
import type { Ranking } from '@tp/data'
import { isLabeled, type ModelInputs } from '@tp/data/inputs'
import { uncertaintyOf } from '@tp/guard'
import { divergences, dot, expectedLosses, largest, logitRowsOf, temperatureOf } from '@tp/metrics'
import type { Model } from '@tp/onnx'
import type { Measurer } from './measurer.ts'
import { type TunedPruning, unpruned } from './pruning.ts'

/** Only answers matter here, so batches hold examples of similar length. */
const BATCH = 16

/** How answers are computed. */
export interface Answering {
  readonly measurer: Measurer
  readonly model: Model
  readonly runtime: Runtime
}

/** The answers of a model to some examples. */
export interface Answers {
  /** [examples, classes] */
  readonly logits: Float32Array
  /** 1 where the logits are scores to rank candidates by. */
  readonly classes: number
  /** Of candidates that are to be ranked. */
  readonly ranking?: Ranking | undefined
  /** Divides logits where the dense model's probabilities count; fitted by the labels. Default: 1. */
  readonly temperature?: number
}

/** Answers with the temperature that labels fit; scores, vectors and examples without labels have none. */
export function calibrated(answers: Answers, targets: readonly number[]): Answers {
  if (answers.ranking !== undefined || answers.classes < 2 || !isLabeled({ targets })) return answers
  return { ...answers, temperature: temperatureOf(answers, targets) }
}

/** Examples with the dense model's vectors need nothing else. */
export async function denseAnswers(answering: Answering, name: string, inputs: ModelInputs): Promise<Answers> {
  if (inputs.vectors !== undefined) return { logits: new Float32Array(), classes: 0 }
  return await answersOf(answering, `dense answers ${name}`, unpruned, inputs)
}

export function prunedAnswers(
  answering: Answering,
  name: string,
  pruning: TunedPruning,
  inputs: ModelInputs,
): Promise<Answers> {
  return answersOf(answering, `logits ${name}`, pruning, inputs)
}

async function answersOf(
  { measurer, model, runtime }: Answering,
  key: string,
  pruning: TunedPruning,
  inputs: ModelInputs,
): Promise<Answers> {
  const numbers = await measurer.measure(key, async () => {
    await using session = await measurer.load(runtime, model, pruning, {})
    if (inputs.ranking !== undefined) return (await rank(session, inputs, evaluation(measurer))).scores
    const { logits } = await classify(session, inputs, evaluation(measurer))
    return [...logits]
  })
  const classes = numbers.length / inputs.targets.length
  return { logits: Float32Array.from(numbers), classes, ranking: inputs.ranking }
}

/** The class that each example is answered with. */
export function predictionsOf(answers: Answers): number[] {
  return logitRowsOf(answers).map(largest)
}

/** How uncertain each answer is, 1 − its probability. */
export function uncertaintiesOf(answers: Answers): number[] {
  return logitRowsOf(answers).map((row) => uncertaintyOf(row, 'probability'))
}

/**
 * Points of accuracy lost against dense, [examples], by the labels, and by the dense model's own probabilities; of a ranking points of
 * nDCG@10, [queries]; of vectors hundredths of the cosine, [examples], both times.
 */
export interface Losses {
  /** Absent where examples have no labels. */
  readonly labeled?: readonly number[] | undefined
  readonly expected: readonly number[]
  /** 100 for an example with another answer than dense, else 0: no more can be lost. Absent where answers are more or less right. */
  readonly changed?: readonly number[] | undefined
  /** A ranking or a vector is more or less right, not right or wrong. */
  readonly graded?: true
}

/**
 * By the label a changed answer loses or gains 100 points. By the dense model's probabilities it loses the difference between
 * those of the old and the new answer. The second is more precise with few examples, because few answers change and their labels
 * are almost random. The temperature of the dense answers corrects as far as the model is overconfident.
 */
export function lossesOf(dense: Answers, answers: readonly number[], targets: readonly number[]): Losses {
  const right = (i: number, answer: number): number => Number(answer === targets[i])
  const before = predictionsOf(dense)
  return {
    labeled: isLabeled({ targets })
      ? answers.map((answer, i) => 100 * (right(i, before[i] as number) - right(i, answer)))
      : undefined,
    expected: expectedLosses(dense, answers, dense.temperature),
    changed: answers.map((answer, i) => (answer === before[i] ? 0 : 100)),
  }
}

/**
 * How far a pruned model's answers are from the dense one's, by example, or by query where candidates are ranked, in nats; of vectors
 * 1 − the cosine to the dense one.
 */
export async function measuredDivergences(
  { measurer, model, runtime }: Answering,
  name: string,
  pruning: TunedPruning,
  inputs: ModelInputs,
  dense: Answers,
): Promise<readonly number[]> {
  return measurer.measure(`divergences ${name}`, async () => {
    await using session = await measurer.load(runtime, model, pruning, {})
    if (inputs.vectors !== undefined) {
      const { vectors } = await embed(session, inputs, evaluation(measurer))
      return inputs.vectors.map((vector, i) => 1 - dot(vector, vectors[i] as Float64Array))
    }
    if (dense.ranking === undefined) return divergences(dense, await classify(session, inputs, evaluation(measurer)))
    const { scores } = await rank(session, inputs, evaluation(measurer))
    return rankingDivergences([...dense.logits], scores, dense.ranking)
  })
}

/** The same for answers that are known, which are not vectors. */
export function divergencesFrom(dense: Answers, pruned: Answers): readonly number[] {
  if (dense.ranking === undefined) return divergences(dense, pruned)
  return rankingDivergences([...dense.logits], [...pruned.logits], dense.ranking)
}

function evaluation({ signal }: Measurer) {
  return { batchSize: BATCH, signal }
}
