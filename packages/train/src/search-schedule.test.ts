import { readFileSync } from 'node:fs'
import { isTpError, type Schedule } from '@tp/core'
import { loadTokenizer } from '@tp/data'
import { textDataset, textInputs } from '@tp/data/inputs'
import { receivedAttention } from '@tp/method-attention'
import { mailData, modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ScheduleCandidate, type Scored, type SearchOptions, searchSchedule } from './index.ts'
import { scheduleScorer } from './schedule-scorer.ts'

const layers = [1, 2, 4]

/** Share of all tokens after each layer. */
function sharesOf(schedule: Schedule): number[] {
  let left = 1
  return [...schedule.values()].map(({ value }) => {
    left *= value
    return left
  })
}

/** A model that answers well as long as each layer keeps what it needs; tokens cost the same everywhere. */
function needing(needs: readonly number[]): SearchOptions['evaluate'] {
  return (schedule): Scored => {
    const shares = sharesOf(schedule)
    const missing = shares.reduce((sum, share, i) => sum + Math.max(0, (needs[i] as number) - share), 0)
    return { accuracy: 100 - 100 * missing, flops: shares.reduce((a, b) => a + b, 0) / shares.length }
  }
}

const search = (options: Partial<SearchOptions> = {}) =>
  searchSchedule({ layers, evaluate: needing([0.9, 0.3, 0.2]), generations: 12, children: 20, ...options })

describe('a search', () => {
  test('finds what equal shares do not: layers that need many tokens keep them, and the others do not', async () => {
    const { best } = await search({ targetFlops: 0.5 })
    expect(best?.flops).toBeLessThanOrEqual(0.5)
    expect(best?.accuracy).toBeGreaterThan(98)
    // Equal ratios of that cost reach 90 at most.
    const equal = [0.9, 0.8, 0.7, 0.6, 0.5].map((ratio) => needing([0.9, 0.3, 0.2])(equally(ratio)) as Scored)
    expect(Math.max(...equal.filter(({ flops }) => flops <= 0.5).map(({ accuracy }) => accuracy))).toBeLessThan(90)
  })

  test('gives a front in order of FLOPs, each better than all that cost less', async () => {
    const need = fc.integer({ min: 5, max: 100 }).map((percent) => percent / 100)
    await fc.assert(
      fc.asyncProperty(fc.tuple(need, need, need), fc.integer(), async (needs, seed) => {
        const tried: Scored[] = []
        const evaluate = async (schedule: Schedule) => {
          const scored = await needing(needs)(schedule)
          tried.push(scored)
          for (const { value } of schedule.values()) expect(value > 0 && value <= 1).toBe(true)
          return scored
        }
        const { front, best } = await search({ evaluate, seed, generations: 3, children: 8, targetFlops: 0.6 })
        front.slice(1).forEach((candidate, i) => {
          expect(candidate.flops).toBeGreaterThan((front[i] as ScheduleCandidate).flops)
          expect(candidate.accuracy).toBeGreaterThan((front[i] as ScheduleCandidate).accuracy)
        })
        const affordable = tried.filter(({ flops }) => flops <= 0.6).map(({ accuracy }) => accuracy)
        expect(best?.accuracy).toBe(Math.max(...affordable))
      }),
      { numRuns: 20 },
    )
  })

  test('starts low enough for what is requested', async () => {
    const { front, best } = await search({ targetFlops: 0.1, generations: 1, children: 1 })
    expect(best?.flops).toBeLessThanOrEqual(0.1)
    expect(front[0]?.flops).toBeLessThanOrEqual(0.1)
  })

  test('a search finds the same for the same seed', async () => {
    expect(await search({ seed: 4 })).toEqual(await search({ seed: 4 }))
    expect((await search({ seed: 4 })).front).not.toEqual((await search({ seed: 5 })).front)
  })

  test('reports each round, and stops on request', async () => {
    const seen: number[] = []
    const stop = new AbortController()
    const onProgress = ({ generation }: { generation: number }): void => {
      seen.push(generation)
      if (generation === 2) stop.abort()
    }
    await expect(search({ onProgress, signal: stop.signal })).rejects.toThrow(
      expect.objectContaining({ code: 'TP_ABORTED' }),
    )
    expect(seen).toEqual([0, 1, 2])
  })

  test('has no best schedule where none is cheap enough', async () => {
    expect((await search({ evaluate: () => ({ accuracy: 50, flops: 0.8 }), targetFlops: 0.5 })).best).toBeUndefined()
  })

  test.each([
    { generations: 0 },
    { children: 1.5 },
    { lowest: 0 },
    { targetFlops: 2 },
    { mutationRate: Number.NaN },
    { layers: [] },
  ])('refuses %o', async (options) => {
    const code = await search(options).catch((error) => (isTpError(error) ? error.code : error))
    expect(code).toBe('TP_OPTION')
  })
})

test('runs schedules of a real model on examples, and counts their multiply-adds', async () => {
  const runtime = nodeRuntime()
  const model = decodeModel(readFileSync(modelPath('mail')))
  await using session = await runtime.load(encodeModel(model), { threads: 1 })
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const mails = textDataset('mails', mailData('dev').slice(0, 16))
  const selection = await textInputs(mails, session.inputs, tokenizer, { maxTokens: 32 })
  const evaluate = scheduleScorer({ model, runtime, selection, method: receivedAttention() })
  const everything = await evaluate(new Map([[1, { kind: 'ratio', value: 1 }]]))
  const half = await evaluate(new Map([[1, { kind: 'ratio', value: 0.5 }]]))
  // Dense is counted without its dead tokens, too; choosing tokens costs a little.
  expect(everything.flops).toBeCloseTo(1, 2)
  expect(half.flops).toBeGreaterThan(0.4)
  expect(half.flops).toBeLessThan(0.75 * everything.flops)
  for (const { accuracy } of [everything, half]) expect(accuracy).toBeGreaterThan(50)
})

function equally(ratio: number): Schedule {
  return new Map(layers.map((layer) => [layer, { kind: 'ratio', value: ratio }]))
}
