import { classify, embed, evaluateTokens, rank, rankingDivergences } from '@tp/compare'
import type { Runtime } from '@tp/core/runtime'
import type { Ranking, TaggedInputs } from '@tp/data'
import { IGNORED, isLabeled, type ModelInputs } from '@tp/data/inputs'
import { uncertaintyOf } from '@tp/guard'
import { divergences, dot, expectedLosses, largest, logitRowsOf, temperatureOf } from '@tp/metrics'
import type { Model } from '@tp/onnx'
import type { Measurer } from '../measurer.ts'
import { type TunedPruning, unpruned } from '../search/pruning.ts'

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
  /**
   * [examples, classes]; scores to rank candidates by; of vectors 1 − the cosine to the dense one, [examples]; of token classifiers the
   * tags of all judged tokens, one sentence after the other.
   */
  readonly logits: Float32Array
  /** 1 where there are no classes. */
  readonly classes: number
  /** Of candidates that are to be ranked. */
  readonly ranking?: Ranking | undefined
  /** Divides logits where the dense model's probabilities count; fitted by the labels. Default: 1. */
  readonly temperature?: number
}

/** The temperature that labels of some examples fit; scores, vectors, tags and examples without labels have none. */
export function calibrated(
  parts: readonly { readonly inputs: ModelInputs; readonly answers: Answers }[],
): number | undefined {
  const classes = parts[0]?.answers.classes ?? 1
  const targets = parts.flatMap(({ inputs }) => inputs.targets)
  if (classes < 2 || !isLabeled({ targets })) return undefined
  const logits = Float32Array.from(parts.flatMap(({ answers }) => [...answers.logits]))
  return temperatureOf({ logits, classes }, targets)
}

/** Examples with the dense model's vectors need nothing else. */
export async function denseAnswers(answering: Answering, part: string, inputs: ModelInputs): Promise<Answers> {
  if (inputs.vectors !== undefined) return { logits: new Float32Array(), classes: 1 }
  return await prunedAnswers(answering, `dense ${part}`, unpruned, inputs)
}

export async function prunedAnswers(
  { measurer, model, runtime }: Answering,
  name: string,
  pruning: TunedPruning,
  inputs: ModelInputs,
): Promise<Answers> {
  const numbers = await measurer.measure(`answers ${name}`, async () => {
    await using session = await measurer.load(runtime, model, pruning, {})
    const how = { batchSize: BATCH, signal: measurer.signal }
    if (inputs.vectors !== undefined) {
      const { vectors } = await embed(session, inputs, how)
      return inputs.vectors.map((vector, i) => 1 - dot(vector, vectors[i] as Float64Array))
    }
    if (isTagged(inputs)) return (await evaluateTokens(session, inputs, how)).predictions.flatMap((tags) => [...tags])
    if (inputs.ranking !== undefined) return (await rank(session, inputs, how)).scores
    return [...(await classify(session, inputs, how)).logits]
  })
  const hasClasses = inputs.vectors === undefined && inputs.ranking === undefined && !isTagged(inputs)
  const classes = hasClasses ? numbers.length / inputs.targets.length : 1
  return { logits: Float32Array.from(numbers), classes, ranking: inputs.ranking }
}

export function isTagged(inputs: ModelInputs): inputs is TaggedInputs {
  return 'tags' in inputs
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
 * nDCG@10, [queries]; of vectors hundredths of the cosine, [examples], both times; of tags the percentage of a sentence's tokens, by the
 * labels both times.
 */
export interface Losses {
  /** Absent where examples have no labels. */
  readonly labeled?: readonly number[] | undefined
  readonly expected: readonly number[]
  /** 100 for an example with another answer than dense, else 0: no more can be lost. Absent where answers are more or less right. */
  readonly changed?: readonly number[] | undefined
  /** A ranking, a vector or a sentence is more or less right, not right or wrong. */
  readonly graded?: true
}

/** The losses of several parts of the examples together; by labels only where all parts have some. */
export function joinedLosses(all: readonly Losses[]): Losses {
  const of = (name: 'labeled' | 'changed'): readonly number[] | undefined =>
    all.every((part) => part[name] !== undefined) ? all.flatMap((part) => part[name] ?? []) : undefined
  return {
    ...{ labeled: of('labeled'), changed: of('changed') },
    expected: all.flatMap(({ expected }) => expected),
    ...(all.some(({ graded }) => graded) && { graded: true }),
  }
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

/** Losses of vectors. An unrelated one has lost all there is to lose. */
export function vectorLosses({ logits }: Answers): Losses {
  const lost = Array.from(logits, (distance) => 100 * Math.min(1, distance))
  return { labeled: lost, expected: lost, graded: true }
}

/** The part of each sentence's tags that are wrong and were right before, less the part that became right. */
export function tagLosses(dense: Answers, answers: Answers, inputs: TaggedInputs): Losses {
  const lost = bySentence(
    dense,
    answers,
    inputs,
    (before, after, tag) => Number(before === tag) - Number(after === tag),
  )
  return { labeled: lost, expected: lost, graded: true }
}

/**
 * How far answers are from the dense model's, by example, or by query where candidates are ranked, in nats; of vectors 1 − the cosine to
 * the dense one; of tags the part of a sentence that has changed.
 */
export function divergencesFrom(dense: Answers, answers: Answers, inputs: ModelInputs): readonly number[] {
  if (inputs.vectors !== undefined) return [...answers.logits]
  if (isTagged(inputs)) return bySentence(dense, answers, inputs, (before, after) => Number(before !== after))
  if (dense.ranking === undefined) return divergences(dense, answers)
  return rankingDivergences([...dense.logits], [...answers.logits], dense.ranking)
}

/** The mean over the judged tokens of each sentence, in percent. */
function bySentence(
  dense: Answers,
  answers: Answers,
  { tags }: TaggedInputs,
  of: (before: number, after: number, tag: number) => number,
): number[] {
  let next = 0
  return tags.map((sentence) => {
    const judged = sentence.filter((tag) => tag !== IGNORED)
    let sum = 0
    for (const tag of judged) {
      sum += of(dense.logits[next] as number, answers.logits[next] as number, tag)
      next++
    }
    return judged.length === 0 ? 0 : (100 * sum) / judged.length
  })
}
