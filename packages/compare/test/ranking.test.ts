import { readFileSync } from 'node:fs'
import type { Session } from '@tp/core/runtime'
import { loadTokenizer } from '@tp/data'
import type { Ranking } from '@tp/data/inputs'
import { type ModelInputs, someExamples, textDataset, textInputs } from '@tp/data/inputs'
import { taskOf } from '@tp/data/outputs'
import { mailData, modelPath } from '@tp/models'
import { encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluate } from '../src/answers/evaluate.ts'
import { qualityOf } from '../src/answers/quality.ts'
import { asScored, compareRankings, ndcgFigure, rank } from '../src/answers/ranking.ts'
import { mailScorer } from './scorer.ts'

const ofClass = (own: number) =>
  mailData('test')
    .filter(({ label }) => label === own)
    .slice(0, 24)
const mails = [...ofClass(0), ...ofClass(1)]

/** Four queries of twelve mails each, of which the spam is relevant. */
const ranking: Ranking = { queries: mails.map((_, i) => i % 4), relevance: mails.map(({ label }) => label) }

let scorer: Session
let classifier: Session
let inputs: ModelInputs
beforeAll(async () => {
  scorer = await nodeRuntime().load(encodeModel(mailScorer()), { threads: 1 })
  classifier = await nodeRuntime().load(readFileSync(modelPath('mail')), { threads: 1 })
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  inputs = await textInputs(textDataset('mails', mails, ranking), scorer.inputs, tokenizer, { maxTokens: 64 })
})
afterAll(async () => {
  await scorer.dispose()
  await classifier.dispose()
})

test('one logit is a score, and answers as two classes whose softmax is its sigmoid', async () => {
  expect(taskOf(scorer.outputs)).toBe('ranking')
  const [{ scores }, two, one] = [
    await rank(scorer, inputs, { batchSize: 8 }),
    await evaluate(classifier, inputs, { batchSize: 8 }),
    await evaluate(scorer, inputs, { batchSize: 8 }),
  ]
  expect([one.predictions, one.accuracy, one.classes]).toEqual([two.predictions, two.accuracy, 2])
  for (const [i, score] of scores.entries()) {
    const [ham = 0, spam = 0] = two.logits.subarray(2 * i, 2 * i + 2)
    expect(score).toBeCloseTo(spam - ham, 4)
    expect([...one.logits.subarray(2 * i, 2 * i + 2)]).toEqual([0, score])
  }
})

test('quality is the correlation with relevance where each candidate has a query of its own', async () => {
  const alone = { queries: mails.map((_, i) => i), relevance: mails.map(({ label }) => label) }
  const quality = await qualityOf(scorer, { ...inputs, ranking: alone })
  // Ham and spam, half of each, in perfect order correlate by 0.866.
  expect(quality).toBeGreaterThan(80)
  const wrong = { ...alone, relevance: alone.relevance.map((value) => 1 - value) }
  expect(await qualityOf(scorer, { ...inputs, ranking: wrong })).toBeCloseTo(-quality, 6)
})

test('a model of two classes cannot rank', async () => {
  await expect(rank(classifier, inputs)).rejects.toMatchObject({ code: 'TP_OUTPUT' })
})

test('queries without a relevant document do not count, and others by what was judged', () => {
  const scores = [3, 2, 1, 5, 6]
  const queries = [0, 0, 0, 1, 1]
  expect(ndcgFigure(scores, { queries, relevance: [0, 1, 0, 0, 0] })?.got).toEqual([1 / Math.log2(3)])
  const judged = [[1, 1], [1]]
  const found = ndcgFigure(scores, { queries, relevance: [0, 1, 0, 1, 0], judged })?.got
  expect(found?.[0]).toBeCloseTo(1 / Math.log2(3) / (1 + 1 / Math.log2(3)), 12)
  expect(found?.[1]).toBeCloseTo(1 / Math.log2(3), 12)
  expect(ndcgFigure(scores, { queries })).toBeUndefined()
})

test('a ranking is as near to itself as can be, and a reversed one as far', () => {
  const scores = Array.from({ length: 48 }, (_, i) => i / 10)
  const same = compareRankings({ scores }, { scores }, ranking)
  expect(same.top.got).toEqual([1, 1, 1, 1])
  for (const correlation of same.rankCorrelation.got) expect(correlation).toBeCloseTo(1, 12)
  expect(same.change.got.every((change) => change === 0)).toBe(true)
  const reversed = compareRankings({ scores: scores.map((score) => -score) }, { scores }, ranking)
  // Of twelve candidates ten of the worst ten, two of which are not among the best ten.
  expect(reversed.top.got).toEqual([0.8, 0.8, 0.8, 0.8])
  for (const correlation of reversed.rankCorrelation.got) expect(correlation).toBeCloseTo(-1, 12)
})

test('by its own scores a model ranks perfectly, whoever has judged', async () => {
  const { scores } = await rank(scorer, inputs, { batchSize: 8 })
  expect(await qualityOf(scorer, inputs, { batchSize: 8 })).toBeGreaterThan(80)
  const own = { ...inputs, ranking: asScored(ranking, scores) }
  expect(await qualityOf(scorer, own, { batchSize: 8 })).toBeCloseTo(100, 10)
})

test('some examples keep their queries and their relevance', () => {
  const { ranking: part } = someExamples(inputs, [5, 2])
  expect(part).toMatchObject({ queries: [1, 2], relevance: [5, 2].map((i) => ranking.relevance?.[i]) })
})
