import { readFileSync } from 'node:fs'
import { inspect, type PruneOptions, prune, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import { prepareInputs, readModelFolder } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import { someExamples, textDataset } from '@tp/data/inputs'
import { receivedAttention } from '@tp/method-attention'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evaluate } from '../src/answers/evaluate.ts'
import { analyseFlips, type Flip, type FlipAnalysis, type FlipModels, type KeptToken } from '../src/answers/flips.ts'
import type { Evaluation } from '../src/answers/outcome.ts'

const model = decodeModel(readFileSync(modelPath('mail')))
// So few tokens that some answers turn.
const cut = { method: receivedAttention(), schedule: schedule(6, { tokens: 3, layers: [0] }) }

async function load(options: Partial<PruneOptions>): Promise<Session> {
  const result = transform(model, prune({ ...cut, ...options }))
  return nodeRuntime().load(encodeModel(result.model), { threads: 1 })
}

let sessions: { dense: Session; traced: Session; protecting: Session }
let inputs: ModelInputs
let dense: Evaluation
let pruned: Evaluation

beforeAll(async () => {
  const found = inspect(model)
  expect(found.ok && found.protectedTokens).toEqual([0])
  sessions = {
    dense: await nodeRuntime().load(modelPath('mail'), { threads: 1 }),
    traced: await load({ trace: true }),
    protecting: await load({ protectInput: true }),
  }
  const mails = textDataset('mails', mailData('calibration').slice(0, 150))
  inputs = await prepareInputs(mails, sessions.dense.inputs, {
    ...(await readModelFolder(modelPath('mail'))),
    maxTokens: 64,
  })
  dense = await evaluate(sessions.dense, inputs, { batchSize: 8 })
  pruned = await evaluate(sessions.traced, inputs, { batchSize: 8 })
}, 60_000)

afterAll(async () => {
  for (const session of Object.values(sessions)) await session.dispose()
})

describe('answers that change where mails keep 3 tokens', () => {
  let analysis: FlipAnalysis
  let first: Flip
  const seen: number[] = []
  beforeAll(async () => {
    const onProgress = ({ done, total }: { done: number; total: number }): void => void seen.push(done / total)
    analysis = await analyseFlips(sessions, inputs, { dense, pruned }, { examples: 4, tokens: 64, onProgress })
    first = analysis.flips[0] as Flip
  }, 60_000)

  test('are all counted, and as many examined as requested', () => {
    const turned = [...dense.predictions.keys()].filter((i) => dense.predictions[i] !== pruned.predictions[i])
    expect(turned.length).toBeGreaterThan(4)
    expect(analysis.flipped).toBe(turned.length)
    expect(analysis.flips.map(({ example }) => example)).toEqual(turned.slice(0, 4))
    expect(seen).toEqual([0.25, 0.5, 0.75, 1])
    for (const flip of analysis.flips) {
      expect([flip.dense, flip.pruned]).toEqual([dense.predictions[flip.example], pruned.predictions[flip.example]])
      const logits = pruned.logits.subarray(2 * flip.example, 2 * flip.example + 2)
      expect(flip.margin).toBeCloseTo((logits[flip.dense] as number) - (logits[flip.pruned] as number), 4)
      expect(flip.prunedTokens).toBe((inputs.lengths?.[flip.example] as number) - 3)
      expect(flip.tried).toHaveLength(flip.prunedTokens)
    }
  })

  test('have for each kept token the change that protecting its position makes', { timeout: 60_000 }, async () => {
    const { example, dense: answer, tried, margin } = first
    for (const i of [0, 1, tried.length - 1]) {
      const token = tried[i] as KeptToken
      await using named = await load({ protect: [0, token.position] })
      const { logits } = await evaluate(named, someExamples(inputs, [example]))
      const wanted = (logits[answer] as number) - (logits[1 - answer] as number)
      expect(token.margin).toBeCloseTo(wanted, 4)
      expect(token.change).toBeCloseTo(wanted - margin, 4)
      expect(token.turnsBack).toBe(wanted > 0)
      expect(token.prunedAt).toBe(0)
    }
  })

  test('can be changed back by single tokens, with the largest change first', () => {
    const turning = analysis.flips.map(({ tried }) => tried.filter(({ turnsBack }) => turnsBack).length)
    expect(Math.max(...turning)).toBeGreaterThan(0)
    for (const { tried } of analysis.flips) {
      const changes = tried.map(({ change }) => change)
      expect(changes).toEqual(changes.toSorted((a, b) => b - a))
    }
  })

  test('are the same in batches', { timeout: 60_000 }, async () => {
    const batched = await analyseFlips(sessions, inputs, { dense, pruned }, { examples: 1, tokens: 64, batchSize: 5 })
    const byPlace = ({ tried }: Flip): Map<number, number> =>
      new Map(tried.map(({ position, margin }) => [position, margin]))
    const [own, other] = [byPlace(first), byPlace(batched.flips[0] as Flip)]
    expect(other.size).toBe(own.size)
    for (const [position, margin] of own) expect(other.get(position)).toBeCloseTo(margin, 4)
  })

  test('are tried with the likeliest first, and no more than requested', async () => {
    const wanted = first.tried.slice(2, 5).map(({ position }) => position)
    const likely = async (example: number): Promise<number[]> => {
      expect(example).toBe(first.example)
      return Array.from({ length: 64 }, (_, position) => Number(wanted.includes(position)))
    }
    const { flips } = await analyseFlips(sessions, inputs, { dense, pruned }, { examples: 1, tokens: 3, likely })
    expect(flips[0]?.tried.map(({ position }) => position)).toEqual(wanted)
    expect(flips[0]?.prunedTokens).toBe(first.prunedTokens)
  })

  test('stops at the signal', async () => {
    const controller = new AbortController()
    const asked = { signal: controller.signal, onProgress: () => controller.abort() }
    await expect(analyseFlips(sessions, inputs, { dense, pruned }, asked)).rejects.toMatchObject({ code: 'TP_ABORTED' })
  })

  test.each<[string, () => FlipModels, RegExp]>([
    ['without traces', () => ({ ...sessions, traced: sessions.dense }), /no outputs tp\.trace…; prune it with trace/],
    [
      'that takes no position to protect',
      () => ({ ...sessions, protecting: sessions.traced }),
      /prune it with protectInput/,
    ],
  ])('cannot be examined with a model %s', async (_, models, message) => {
    await expect(analyseFlips(models(), inputs, { dense, pruned })).rejects.toMatchObject({
      code: 'TP_INPUT',
      message: expect.stringMatching(message),
    })
  })
})

test('a model compared with itself changes no answer', async () => {
  expect(await analyseFlips(sessions, inputs, { dense, pruned: dense })).toEqual({ flipped: 0, flips: [] })
})
