import fc from 'fast-check'
import { expect, test } from 'vitest'
import { divide, hash, sampleExamples } from './divide.ts'
import type { ModelInputs } from './model-inputs.ts'

const TURNS = ['look', 'choose', 'verify', 'choose', 'verify'] as const
const DUE = { look: 1 / 5, choose: 2 / 5, verify: 2 / 5 }

/** Examples of a few classes, each with a key of its own. */
const examples = fc
  .array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 200 })
  .map((targets) => ({ targets, lengths: undefined, keys: targets.map((_, i) => `example ${i}`) }))
const seed = fc.nat()

const inputsOf = (targets: readonly number[], lengths?: readonly number[]): ModelInputs => ({
  source: 'examples',
  targets,
  lengths,
  keys: undefined,
  preparationMs: undefined,
  notes: [],
  feeds: async (rows) => ({ rows: { type: 'int32', dims: [rows.length], data: Int32Array.from(rows) } }),
})

test('puts each example into one part', () => {
  fc.assert(
    fc.property(examples, seed, (own, seed) => {
      const all = Object.values(divide(own, TURNS, { seed })).flat()
      expect(all.sort((a, b) => a - b)).toEqual(own.targets.map((_, i) => i))
    }),
    { numRuns: 50 },
  )
})

test('gives each part its share of each class and of all examples, to within one', () => {
  fc.assert(
    fc.property(examples, seed, (own, seed) => {
      const parts = divide(own, TURNS, { seed })
      for (const [part, positions] of Object.entries(parts) as [keyof typeof DUE, number[]][]) {
        expect(Math.abs(positions.length - DUE[part] * own.targets.length)).toBeLessThanOrEqual(1)
        for (const target of new Set(own.targets)) {
          const due = DUE[part] * own.targets.filter((other) => other === target).length
          const got = positions.filter((position) => own.targets[position] === target).length
          expect(Math.abs(got - due)).toBeLessThanOrEqual(1)
        }
      }
    }),
    { numRuns: 50 },
  )
})

test('does not depend on the order of the examples for one seed', () => {
  const shuffled = examples.chain((own) =>
    fc.tuple(
      fc.constant(own),
      fc.shuffledSubarray(
        own.targets.map((_, i) => i),
        { minLength: own.targets.length },
      ),
    ),
  )
  fc.assert(
    fc.property(shuffled, seed, ([own, order], seed) => {
      const other = {
        ...own,
        targets: order.map((i) => own.targets[i] as number),
        keys: order.map((i) => own.keys[i] as string),
      }
      const [before, after] = [divide(own, TURNS, { seed }), divide(other, TURNS, { seed })]
      for (const part of ['look', 'choose', 'verify'] as const) {
        expect(new Set(after[part].map((i) => order[i]))).toEqual(new Set(before[part]))
      }
    }),
    { numRuns: 50 },
  )
})

test('divides differently with another seed', () => {
  const own = { targets: Array<number>(100).fill(0), lengths: undefined, keys: undefined }
  expect(divide(own, TURNS, { seed: 2 })).not.toEqual(divide(own, TURNS, { seed: 1 }))
  expect(divide(own, TURNS, { seed: 2 })).toEqual(divide(own, TURNS, { seed: 2 }))
})

test('divides examples without a class by their length', () => {
  const lengths = Array.from({ length: 100 }, (_, i) => 1 + (i % 10))
  const parts = divide({ targets: lengths.map(() => -1), lengths, keys: undefined }, TURNS)
  for (const length of new Set(lengths)) {
    expect(parts.look.filter((i) => lengths[i] === length)).toHaveLength(2)
    expect(parts.verify.filter((i) => lengths[i] === length)).toHaveLength(4)
  }
})

test('samples each class in its share to within one, and as many examples as requested', () => {
  fc.assert(
    fc.property(examples, fc.integer({ min: 1, max: 250 }), seed, ({ targets }, most, seed) => {
      const sample = sampleExamples(inputsOf(targets), most, { seed })
      const count = Math.min(most, targets.length)
      expect(sample.targets).toHaveLength(count)
      for (const target of new Set(targets)) {
        const of = (all: readonly number[]): number => all.filter((other) => other === target).length
        expect(Math.abs(of(sample.targets) - (of(targets) * count) / targets.length)).toBeLessThanOrEqual(1)
      }
    }),
    { numRuns: 50 },
  )
})

test('samples the inputs of the examples in their order', async () => {
  const sample = sampleExamples(inputsOf(Array.from({ length: 50 }, (_, i) => i % 3)), 7)
  const { rows } = await sample.feeds([0, 1, 2, 3, 4, 5, 6])
  const positions = Array.from((rows?.data ?? []) as Int32Array)
  expect(positions).toEqual(positions.toSorted((a, b) => a - b))
  expect(sample.targets).toEqual(positions.map((i) => i % 3))
})

test('hashes texts that differ in one character to values that differ in about half of the bits', () => {
  const bits = Array.from({ length: 1000 }, (_, i) => hash(`1 ${i}`) ^ hash(`1 ${i + 1}`)).map(
    (different) => (different >>> 0).toString(2).split('1').length - 1,
  )
  expect(bits.reduce((sum, own) => sum + own, 0) / bits.length).toBeCloseTo(16, 0)
})
