import { classify, embed, rank, rankingDivergences, tagTokens } from '@tp/compare'
import type { Runtime } from '@tp/core/runtime'
import type { TaggedInputs } from '@tp/data'
import { IGNORED, isLabeled, type ModelInputs } from '@tp/data/inputs'
import { uncertaintyOf } from '@tp/guard'
import {
  divergences,
  dot,
  expectedLosses,
  largest,
  logitRowsOf,
  sampleDeviation,
  temperatureOf,
  type Vectors,
} from '@tp/metrics'
import type { Model } from '@tp/onnx'
import type { Measurer } from '../measurer.ts'
import { type TunedPruning, unpruned } from '../search/pruning.ts'
import type { Answers, Losses } from './answers.ts'
import { changedTags, joinedTagLosses } from './tag-losses.ts'
import { joinedPairLosses, pairLosses, rowsOfPairs } from './vectors/pair-losses.ts'
import { foundBy, searchLosses } from './vectors/search-losses.ts'

/** Only answers matter here, so batches hold examples of similar length, and no more tokens than caches hold well. */
const BATCHES = { batchSize: 16, batchTokens: 1024 } as const

/** How answers are computed. */
export interface Answering {
  readonly measurer: Measurer
  readonly model: Model
  readonly runtime: Runtime
}

/** The temperature that labels of some examples fit; scores, vectors and examples without labels have none. */
export function calibrated(
  parts: readonly { readonly inputs: ModelInputs; readonly answers: Answers }[],
): number | undefined {
  const [first] = parts
  const { classes = 1 } = first?.answers.tagLogits ?? first?.answers ?? {}
  const targets = parts.flatMap(({ inputs }) => (isTagged(inputs) ? inputs.tags.flatMap(judged) : inputs.targets))
  if (classes < 2 || !isLabeled({ targets })) return undefined
  const logits = Float32Array.from(parts.flatMap(({ answers }) => [...(answers.tagLogits ?? answers).logits]))
  return temperatureOf({ logits, classes }, targets)
}

function judged(tags: Int32Array): number[] {
  return [...tags].filter((tag) => tag !== IGNORED)
}

/** Examples with the dense model's vectors need nothing else. */
export async function denseAnswers(answering: Answering, part: string, inputs: ModelInputs): Promise<Answers> {
  if (inputs.vectors !== undefined)
    return { logits: new Float32Array(), classes: 1, judged: judgedVectors(inputs.vectors, inputs) }
  if (isTagged(inputs)) return await denseTags(answering, part, inputs)
  return await prunedAnswers(answering, `dense ${part}`, unpruned, inputs)
}

/** Tags with their logits. */
async function denseTags(
  { measurer, model, runtime }: Answering,
  part: string,
  inputs: TaggedInputs,
): Promise<Answers> {
  const [classes = 0, ...numbers] = await measurer.measure(`logits dense ${part}`, async () => {
    await using session = await measurer.load(runtime, model, unpruned, {})
    const how = { ...BATCHES, signal: measurer.signal, logits: true }
    const { predictions, logits } = await tagTokens(session, inputs, how)
    if (logits === undefined) return [0, ...predictions.flatMap((tags) => [...tags])]
    return [logits.classes, ...logits.bySentence.flatMap((own) => [...own])]
  })
  if (classes === 0) return { logits: Float32Array.from(numbers), classes: 1 }
  const tagLogits = { logits: Float32Array.from(numbers), classes }
  return { logits: Float32Array.from(logitRowsOf(tagLogits), largest), classes: 1, tagLogits }
}

export async function prunedAnswers(
  { measurer, model, runtime }: Answering,
  name: string,
  pruning: TunedPruning,
  inputs: ModelInputs,
): Promise<Answers> {
  const numbers = await measurer.measure(`answers ${name}`, async () => {
    await using session = await measurer.load(runtime, model, pruning, {})
    const how = { ...BATCHES, signal: measurer.signal }
    if (inputs.vectors !== undefined) {
      const { vectors } = await embed(session, inputs, how)
      const distances = inputs.vectors.map((vector, i) => 1 - dot(vector, vectors[i] as Float64Array))
      return [...distances, ...(judgedVectors(vectors, inputs) ?? [])]
    }
    if (isTagged(inputs)) return (await tagTokens(session, inputs, how)).predictions.flatMap((tags) => [...tags])
    if (inputs.ranking !== undefined || inputs.estimates !== undefined) return (await rank(session, inputs, how)).scores
    return [...(await classify(session, inputs, how)).logits]
  })
  if (inputs.pairs !== undefined || inputs.search !== undefined) {
    const [distances, judged] = [numbers.slice(0, inputs.targets.length), numbers.slice(inputs.targets.length)]
    return { logits: Float32Array.from(distances), classes: 1, judged }
  }
  const isOfNumbers = inputs.vectors !== undefined || inputs.ranking !== undefined || inputs.estimates !== undefined
  const hasClasses = !isOfNumbers && !isTagged(inputs)
  const classes = hasClasses ? numbers.length / inputs.targets.length : 1
  return { logits: Float32Array.from(numbers), classes, ranking: inputs.ranking }
}

/** Numbers to compare with people's judgments: cosines of pairs, or the nDCG@10 of queries. */
function judgedVectors(vectors: Vectors, { pairs, search }: ModelInputs): readonly number[] | undefined {
  if (search !== undefined) return foundBy(vectors, search)
  return pairs && rowsOfPairs(pairs).map(([a, b]) => dot(vectors[a] as Float64Array, vectors[b] as Float64Array))
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

/** The losses of several parts of the examples together; by labels only where all parts have some. */
export function joinedLosses(all: readonly Losses[]): Losses {
  const tags = all.flatMap((part) => part.tags ?? [])
  if (tags.length > 0) return joinedTagLosses(tags)
  const pairs = all.flatMap((part) => part.pairs ?? [])
  if (pairs.length > 0) return joinedPairLosses(pairs)
  const of = (name: 'labeled' | 'changed'): readonly number[] | undefined =>
    all.every((part) => part[name] !== undefined) ? all.flatMap((part) => part[name] ?? []) : undefined
  return {
    ...{ labeled: of('labeled'), changed: of('changed') },
    expected: all.flatMap(({ expected }) => expected),
    ...(all.some(({ graded }) => graded) && { graded: true }),
    ...(all.some(({ mayGain }) => mayGain) && { mayGain: true }),
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

/** Losses of vectors, by what people have judged if they have. An unrelated one has lost all there is to lose. */
export function vectorLosses(
  { judged: dense }: Answers,
  { logits, judged: changed }: Answers,
  { pairs, search }: ModelInputs,
): Losses {
  if (dense !== undefined && changed !== undefined) {
    if (search !== undefined) return searchLosses(dense, changed)
    if (pairs !== undefined)
      return pairLosses({ dense, changed, scores: rowsOfPairs(pairs).map(([row]) => pairs.scores[row] as number) })
  }
  const lost = Array.from(logits, (distance) => 100 * Math.min(1, distance))
  return { labeled: lost, expected: lost, graded: true }
}

/**
 * Points of the correlation with the dense model's numbers that other estimates lose, by example: half of the square of their difference, in
 * standard deviations of the dense model's numbers. Its mean is 1 − Pearson's correlation where both have the same mean and deviation, and
 * more where not. An unrelated one has lost all there is to lose.
 */
export function estimateLosses(dense: Answers, { logits }: Answers): Losses {
  const lost = distances(dense, logits).map((distance) => 100 * Math.min(1, distance))
  return { labeled: lost, expected: lost, graded: true }
}

/** (z − z′)² / 2σ² by example. */
function distances({ logits: dense }: Answers, others: Float32Array): number[] {
  const deviation = sampleDeviation([...dense]) || 1
  return Array.from(dense, (score, i) => ((score - (others[i] as number)) / deviation) ** 2 / 2)
}

/**
 * How far answers are from the dense model's, by example, or by query where candidates are ranked, in nats; of vectors 1 − the cosine to
 * the dense one; of tags the part of a sentence that has changed.
 */
export function divergencesFrom(dense: Answers, answers: Answers, inputs: ModelInputs): readonly number[] {
  if (inputs.vectors !== undefined) return [...answers.logits]
  if (isTagged(inputs)) return changedTags(dense, answers, inputs)
  if (inputs.estimates !== undefined) return distances(dense, answers.logits)
  if (dense.ranking === undefined) return divergences(dense, answers)
  return rankingDivergences([...dense.logits], [...answers.logits], dense.ranking)
}
