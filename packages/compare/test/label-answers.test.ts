import type { TaggedInputs } from '@tp/data'
import { prepareInputs } from '@tp/data'
import { type ModelInputs, textDataset } from '@tp/data/inputs'
import { mailData, modelPath } from '@tp/models'
import { createNode, encodeModel, Graph, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { type RankingEvaluation, rank } from '../src/answers/ranking.ts'
import { evaluateTokens, type TokenEvaluation } from '../src/answers/tokens.ts'
import { comparerOf } from '../src/tasks/comparer-of.ts'
import { adviceOn, oneAnswers } from '../src/tasks/one-answer.ts'
import { mailHead } from './heads.ts'

/** Probabilities of 20 mails of each class, the first ones. */
const mails = textDataset(
  'mails',
  [0, 1].flatMap((own) =>
    mailData('test')
      .filter(({ label }) => label === own)
      .slice(0, 20),
  ),
)
const options = { tokenizer: modelPath('mail', 'tokenizer'), maxTokens: 48, answerForm: 'sigmoid' } as const

/** Two labels: spam, and mails that the model is surer of than of three in four. */
function labeler(): Model {
  const model = mailHead('sigmoid')
  const graph = new Graph(model)
  graph.addInitializer('shift', { type: 'float32', dims: [1, 2], data: Float32Array.of(0, 0.25) })
  graph.insert([createNode({ type: 'Sub', inputs: ['answer', 'shift'], outputs: ['labels'] })])
  graph.addOutput('labels', 'float32', ['batch', 2])
  graph.removeOutput('answer')
  return model
}

async function prepared(
  model: Model,
): Promise<{ session: Awaited<ReturnType<ReturnType<typeof nodeRuntime>['load']>>; inputs: ModelInputs }> {
  const session = await nodeRuntime().load(encodeModel(model), { threads: 1 })
  return { session, inputs: await prepareInputs(mails, session.inputs, options) }
}

test('decides each label at one half, and counts micro-F1 of those that hold', async () => {
  const { session, inputs } = await prepared(labeler())
  await using _ = session
  const probabilities = (await rank((await prepared(mailHead('sigmoid'))).session, { ...inputs, answerForm: 'logits' }))
    .scores
  const tags = inputs.targets.map((target) => Int32Array.of(target, 1))
  const labeled: TaggedInputs = { ...inputs, tags, unit: 'labels' }
  const found = await evaluateTokens(session, labeled, { batchSize: 8 })
  const expected = probabilities.map((p) => [Number(p > 0.5), Number(p > 0.75)])
  expect(found.predictions.map((own) => [...own])).toEqual(expected)
  const pairs = expected.flatMap((own, i) => own.map((guess, label) => [guess, tags[i]?.[label] as number] as const))
  const both = pairs.filter(([guess, right]) => guess === 1 && right === 1).length
  const ones = pairs.reduce((sum, [guess, right]) => sum + guess + right, 0)
  expect(found.f1?.estimate).toBeCloseTo((200 * both) / ones, 9)
  expect(found.accuracy.estimate).toBeCloseTo((100 * pairs.filter(([guess, right]) => guess === right).length) / 80, 9)

  const nothing = { ...labeled, tags: tags.map(() => Int32Array.of(0, 0)) }
  expect(Object.keys((await evaluateTokens(session, nothing, { batchSize: 8 })).figures)).toEqual(['accuracy'])

  const comparer = comparerOf({ task: 'multi-label', inputs: labeled, labels: undefined })
  expect(Object.keys(comparer.dense(found).cells)).toEqual([
    'micro-F1',
    'labels right',
    'loss of micro-F1',
    'McNemar p',
    'agrees with dense',
  ])
  const none: TokenEvaluation = { ...found, predictions: found.predictions.map(() => Int32Array.of(0, 0)) }
  const unknown = { ...labeled, tags: tags.map(() => Int32Array.of(-1, -1)) }
  const unlabeled = comparerOf({ task: 'multi-label', inputs: unknown, labels: undefined })
  const { loss } = unlabeled.pruned([none], found)
  // Half of the F1 against the dense model's labels, of which none is left.
  expect(loss).toMatchObject({ unit: 'points of the F1 of labels', interval: { estimate: 50 } })
  expect(loss?.unshown).toBe(undefined)
  expect([comparer, unlabeled].map((own) => own.pruned([found], none).loss?.unshown)).toEqual([
    adviceOn(oneAnswers.labels),
    adviceOn(oneAnswers.labels),
  ])
})

test('reads the numbers of all examples in one form, however they are divided', async () => {
  // Probabilities of ham and spam but for a few numbers: those of a batch alone seem to be probabilities.
  const model = labeler()
  const graph = new Graph(model)
  graph.addInitializer('last', { type: 'float32', dims: [1, 2], data: Float32Array.of(0.3, 0.5) })
  graph.insert([createNode({ type: 'Add', inputs: ['labels', 'last'], outputs: ['moved'] })])
  graph.addOutput('moved', 'float32', ['batch', 2])
  graph.removeOutput('labels')
  const { session, inputs } = await prepared(model)
  await using _ = session
  const tags = inputs.targets.map((target) => Int32Array.of(target, 1))
  const labeled: TaggedInputs = { ...inputs, answerForm: undefined, tags, unit: 'labels' }
  const found = await Promise.all([1, 4, 40].map((batchSize) => evaluateTokens(session, labeled, { batchSize })))
  for (const { predictions, answerForm } of found) {
    expect(answerForm).toBe('logits')
    expect(predictions).toEqual(found[0]?.predictions)
  }
})

test('judges estimated numbers by their order, and by how far they move', async () => {
  const { session, inputs } = await prepared(mailHead('sigmoid'))
  await using _ = session
  const dense = await rank(session, inputs, { batchSize: 8 })
  const moved = (by: (score: number) => number): RankingEvaluation => ({ ...dense, scores: dense.scores.map(by) })
  const judged = comparerOf({
    task: 'regression',
    inputs: { ...inputs, estimates: { scores: dense.scores.map((z) => -z) } },
  })
  expect(judged.dense(dense).content).toMatchObject({ spearman: { estimate: expect.closeTo(-100, 9) } })
  expect(judged.pruned([moved((z) => z)], dense).loss).toMatchObject({ interval: { estimate: 0 }, same: true })
  const unjudged = comparerOf({ task: 'regression', inputs: { ...inputs, estimates: {} } })
  const { loss, content } = unjudged.pruned([moved((z) => -z)], dense)
  expect(loss).toMatchObject({ interval: { estimate: expect.closeTo(200, 9) }, same: false })
  expect(loss?.unit).toBe("points of Spearman's correlation with the dense model's numbers")
  expect(content).toMatchObject({ change: expect.any(Number) })
  expect(
    unjudged.nearness(
      moved((z) => z + 1),
      dense,
    ),
  ).toMatchObject({ similarity: expect.closeTo(1, 9) })
})
