import type { Session } from '@tp/core/runtime'
import { digitsData, mailData, modelPath } from '@tp/models'
import { nodeRuntime } from '@tp/runtime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imageDataset, textDataset } from '../datasets/dataset.ts'
import { evaluate } from '../evaluation/evaluate.ts'
import { readModelFolder } from '../inputs/model-folder.ts'
import type { PrepareOptions } from '../inputs/prepare.ts'
import type { Evaluation } from '../tasks/outcome.ts'
import { compareOnShifts, evaluateOnShifts } from './compare-on-shifts.ts'
import { type ShiftedSet, shiftedSets } from './shifted-sets.ts'
import { namedShift } from './shifts.ts'

describe('mails', () => {
  const short = mailData('test').filter(({ text }) => text.length > 100 && text.length < 400)
  const mails = textDataset('mails', short.slice(0, 12))
  const others = { others: textDataset('others', short.slice(12, 17)) }
  const shifts = [namedShift('text', 'typos', 3), namedShift('text', 'upper-case', 1)]
  let session: Session
  let known: PrepareOptions
  let sets: ShiftedSet[]
  beforeAll(async () => {
    session = await nodeRuntime().load(modelPath('mail'), { threads: 1 })
    known = await readModelFolder(modelPath('mail'))
    sets = await shiftedSets(mails, shifts, session.inputs, { ...known, others, lengthBins: 2 })
  })
  afterAll(() => session[Symbol.asyncDispose]())

  test('compare the given set, shifted ones, other data and bins by length', () => {
    const bin = expect.stringMatching(/^\d+ … \d+ tokens$/)
    expect(sets.map(({ name }) => name)).toEqual(['in distribution', 'typos:3', 'upper-case:1', 'others', bin, bin])
    expect(sets.map(({ inputs }) => inputs.targets.length)).toEqual([12, 12, 12, 5, 6, 6])
    // the vocabulary is uncased
    expect(sets.map(({ sameInputs }) => sameInputs)).toEqual([true, false, true, false, true, true])
    expect(sets[3]?.examples).toBeUndefined()
    expect([...(sets[4]?.examples ?? []), ...(sets[5]?.examples ?? [])].sort((a, b) => a - b)).toEqual(
      mails.examples.map((_, i) => i),
    )
  })

  test('get the same figures from known answers as from a run', async () => {
    const seen: number[] = []
    const evaluations = await evaluateOnShifts(session, sets, {
      batchSize: 4,
      onProgress: ({ done, total }) => seen.push(done / total),
    })
    expect(seen.at(-1)).toBe(1)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    for (const [i, { inputs }] of sets.entries()) {
      const { predictions, correct, logits, accuracy } = await evaluate(session, inputs, { batchSize: 4 })
      expect(evaluations[i]).toMatchObject({ predictions, correct, accuracy })
      for (const [j, logit] of logits.entries()) expect(evaluations[i]?.logits[j]).toBeCloseTo(logit, 4)
    }
  })

  test('stops at the signal', async () => {
    const signal = AbortSignal.abort()
    await expect(shiftedSets(mails, shifts, session.inputs, { ...known, signal })).rejects.toMatchObject({
      code: 'TP_ABORTED',
    })
    await expect(evaluateOnShifts(session, sets, { signal })).rejects.toMatchObject({ code: 'TP_ABORTED' })
  })
})

test('normalizes shifted images like the originals', async () => {
  await using session = await nodeRuntime().load(modelPath('digits-vit'), { threads: 1 })
  const digits = imageDataset('digits', { channels: 1, height: 28, width: 28 }, digitsData('test').slice(0, 20))
  const sets = await shiftedSets(digits, [namedShift('image', 'noise', 5)], session.inputs)
  const [own, noisy] = sets.map(({ inputs }) => inputs)
  expect(own?.normalization?.mean).toHaveLength(1)
  expect(noisy?.normalization).toEqual(own?.normalization)
  expect(noisy?.notes).toEqual([])
})

/** An evaluation of which only right answers are looked at. */
function answered(correct: readonly boolean[], kept?: number): Evaluation {
  const accuracy = { estimate: Number.NaN, low: Number.NaN, high: Number.NaN }
  const predictions = correct.map(Number)
  const none = { latency: undefined, predictions, classes: 2, logits: new Float32Array(), figures: {} }
  return {
    task: 'classification',
    ...none,
    accuracy,
    correct,
    kept: kept === undefined ? undefined : { layers: [kept], mean: kept },
  }
}

describe('compareOnShifts', () => {
  const [yes, no] = [true, false]
  const sets = [
    { name: 'in distribution', examples: [0, 1, 2, 3], sameInputs: true },
    { name: 'shifted', examples: [0, 1, 2, 3], sameInputs: false },
    { name: 'elsewhere', examples: undefined, sameInputs: false },
  ]
  const dense = [answered([yes, yes, yes, no]), answered([yes, yes, no, no]), answered([yes, yes])]
  const seeds = [
    [answered([yes, yes, yes, no], 0.4), answered([no, yes, no, no], 0.4), answered([yes, no], 0.5)],
    [answered([yes, yes, no, no], 0.6), answered([no, no, no, no], 0.4), answered([no, no], 0.7)],
  ]

  test('gives means over seeds, losses against dense, and extra losses against those in distribution', () => {
    const figures = compareOnShifts(sets, dense, seeds)
    const estimates = figures.map(({ dense, pruned, loss, extraLoss }) =>
      [dense, pruned, loss, extraLoss].map(({ estimate }) => estimate),
    )
    expect(estimates).toEqual([
      [75, 62.5, 12.5, 0],
      [50, 12.5, 37.5, 25],
      [100, 25, 75, 62.5],
    ])
    expect(figures.map(({ agreement }) => agreement)).toEqual([87.5, 62.5, 25])
    expect(figures.map(({ kept }) => kept)).toEqual([0.5, 0.4, 0.6])
    expect(figures.map(({ unchanged }) => unchanged)).toEqual([false, false, false])
    expect(figures[0]?.extraLoss).toEqual({ estimate: 0, low: 0, high: 0 })
  })

  test('refuses evaluations of different examples and none at all', () => {
    const refused = expect.objectContaining({ code: 'TP_OPTION' })
    expect(() => compareOnShifts(sets, dense, [])).toThrow(refused)
    expect(() => compareOnShifts(sets, dense, [dense.slice(0, 2)])).toThrow(refused)
    expect(() => compareOnShifts(sets, dense, [[...dense].reverse()])).toThrow(refused)
  })
})
