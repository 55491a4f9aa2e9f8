import { type PruneOptions, prune, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import { loadTokenizer, readModelFolder, type TaggedInputs, taggedInputs } from '@tp/data'
import { IGNORED, UNLABELED } from '@tp/data/inputs'
import { receivedAttention } from '@tp/method-attention'
import { type Figure, figureInterval, figureLoss, mcnemar } from '@tp/metrics'
import { modelPath } from '@tp/models'
import { encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evaluateTokens, type TokenEvaluation, tokenAgreement } from '../src/answers/tokens.ts'
import { comparerOf } from '../src/tasks/comparer-of.ts'
import { LAYERS, mailTagger, mailWords, TAGS } from './tagger.ts'

const model = mailTagger()
let session: Session
let inputs: TaggedInputs
let dense: TokenEvaluation

async function evaluateCut(amounts: { keep: number } | { tokens: number }, options: Partial<PruneOptions> = {}) {
  const cut = { method: receivedAttention(), schedule: schedule(LAYERS, { ...amounts, layers: [0, 1] }) }
  const result = transform(model, prune({ ...cut, trace: true, ...options }))
  await using pruned = await nodeRuntime().load(encodeModel(result.model), { threads: 1 })
  return await evaluateTokens(pruned, inputs, { labels: TAGS, batchSize: 8, layerCount: LAYERS })
}

beforeAll(async () => {
  session = await nodeRuntime().load(encodeModel(model), { threads: 1 })
  const { tokenizer = '', ...known } = await readModelFolder(modelPath('mail'))
  const words = await taggedInputs(mailWords(80), session.inputs, await loadTokenizer(tokenizer), known)
  const { predictions } = await evaluateTokens(session, words, { labels: TAGS, batchSize: 8 })
  // Right are the answers of the tagger itself, but for every second word of every third mail.
  const tags = words.tags.map((own, mail) => {
    const answers = [...(predictions[mail] as Int32Array)]
    return own.map((tag, i) => (tag === IGNORED ? IGNORED : mail % 3 === 0 && i % 2 === 0 ? 0 : (answers.shift() ?? 0)))
  })
  inputs = { ...words, tags }
  dense = await evaluateTokens(session, inputs, { labels: TAGS, batchSize: 8 })
})

afterAll(() => session[Symbol.asyncDispose]())

describe('a tagger of mails', () => {
  test('compares tags with those of the dense model where words have none', async () => {
    const tags = inputs.tags.map((own) => own.map((tag) => (tag === IGNORED ? IGNORED : UNLABELED)))
    const unlabeled = { ...inputs, tags }
    const comparer = comparerOf({ task: 'tokens', inputs: unlabeled, labels: TAGS })
    const answers = await comparer.run(session, { batchSize: 8 })
    const same = comparer.pruned([answers], answers)
    expect(same.loss?.interval.estimate).toBe(0)
    const pruned = await evaluateCut({ keep: 0.5 })
    const changed = comparer.pruned([pruned], answers)
    expect(changed.loss?.interval.estimate).toBeGreaterThan(0)
    expect(changed.cells['tags changed']).toBeDefined()
    const agreement = figureInterval(tokenAgreement(pruned, dense)).estimate
    expect(comparer.nearness(pruned, answers).similarity).toBeCloseTo(agreement)
  })

  test('judges tags one by one where no word is a part of an entity', async () => {
    const outside = TAGS.indexOf('O')
    const tags = inputs.tags.map((own) => own.map((tag) => (tag === IGNORED ? IGNORED : outside)))
    const found = await evaluateTokens(session, { ...inputs, tags }, { labels: TAGS, batchSize: 8 })
    expect([Object.keys(found.figures), found.f1]).toEqual([['accuracy'], undefined])
    const { loss } = comparerOf({ task: 'tokens', inputs: { ...inputs, tags }, labels: TAGS }).pruned([found], found)
    expect(loss).toMatchObject({ unit: 'points of accuracy', interval: { estimate: 0 } })
  })

  test('judges a tagger by its logits, mail by mail', async () => {
    let [right, all] = [0, 0]
    for (const [mail, tags] of inputs.tags.entries()) {
      const { logits } = await session.run(await inputs.feeds([mail]))
      const data = logits?.data as Float32Array
      for (const [token, tag] of tags.entries()) {
        if (tag === IGNORED) continue
        const scores = [...data.slice(token * TAGS.length, (token + 1) * TAGS.length)]
        right += Number(scores.indexOf(Math.max(...scores)) === tag)
        all++
      }
    }
    expect(all).toBeGreaterThan(2000)
    expect(dense.accuracy.estimate).toBeCloseTo((100 * right) / all, 10)
    expect(dense.accuracy.low).toBeLessThan(dense.accuracy.estimate)
    // a mail is drawn as a whole: wider than if its words were drawn one by one
    const alone = 1.96 * Math.sqrt((right / all) * (1 - right / all) * (1 / all)) * 100
    expect((dense.accuracy.high - dense.accuracy.low) / 2).toBeGreaterThan(alone)
    expect(dense.f1?.estimate).toBeGreaterThan(50)
    expect(Object.keys(dense.figures)).toEqual(['f1', 'accuracy'])
  })

  test('judges a tagger on pruned tokens after they are restored, some of them differently', async () => {
    const pruned = await evaluateCut({ keep: 0.3 })
    expect(pruned.kept?.mean).toBeLessThan(0.3)
    const loss = figureLoss(dense.figures.f1 as Figure, pruned.figures.f1 as Figure)
    const f1 = ({ f1 }: TokenEvaluation): number => (f1?.estimate ?? 0) / 100
    expect(loss.estimate).toBeCloseTo(f1(dense) - f1(pruned), 12)
    expect(loss.low).toBeLessThan(loss.high)
    expect(figureInterval(tokenAgreement(pruned, dense)).estimate).toBeLessThan(1)
    const { onlyFirst, onlySecond } = mcnemar(dense.correct, pruned.correct)
    const right = ({ correct }: TokenEvaluation): number => correct.filter(Boolean).length
    expect(onlyFirst - onlySecond).toBe(right(dense) - right(pruned))
  })

  test('cannot be judged without its tokens', async () => {
    await expect(evaluateCut({ keep: 0.5 }, { restore: 'none' })).rejects.toMatchObject({
      code: 'TP_OUTPUT',
      message: expect.stringContaining('where removed tokens come back (restore)'),
    })
  })

  test('names a tag that it does not have', async () => {
    const wrong = { ...inputs, tags: inputs.tags.map((tags) => tags.map((tag) => (tag === IGNORED ? tag : 5))) }
    await expect(evaluateTokens(session, wrong)).rejects.toMatchObject({
      code: 'TP_DATA',
      message: expect.stringContaining('sentence 0 has tag 5, but the model gives 5 classes (0…4)'),
    })
  })
})
