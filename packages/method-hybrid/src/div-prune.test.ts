import { constant, type Tensor } from '@tp/core'
import { choose } from '@tp/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { divPrune } from './index.ts'

const states = (rows: readonly (readonly number[])[]): Tensor =>
  constant(rows.flat(), 'float32', [1, rows.length, rows[0]?.length ?? 0])

const at = (degrees: number): number[] => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)]

const angles = [0, 3, 7, 40, 95, 101, 170, 260]

/** The algorithm of the paper, plainly: positions in ascending order. */
function chosenPlainly(rows: readonly (readonly number[])[], count: number): number[] {
  const distances = rows.map((a) => rows.map((b) => 1 - cosine(a, b)))
  const chosen: number[] = []
  for (let step = 0; step < count; step++) {
    const near = distances.map((own, i) =>
      chosen.includes(i)
        ? Number.NEGATIVE_INFINITY
        : Math.min(...own.filter((_, j) => (step === 0 ? j !== i : chosen.includes(j)))),
    )
    chosen.push(near.indexOf(Math.max(...near)))
  }
  return chosen.toSorted((a, b) => a - b)
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]): number =>
    x.reduce((sum, value, i) => sum + value * y[i]!, 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

test('chooses as the published algorithm does, and keeps none nearer to another than one that it drops', () => {
  const number = fc.double({ min: -1, max: 1, noNaN: true })
  const row = fc.tuple(number, number, number, number).filter((values) => Math.hypot(...values) > 0.1)
  fc.assert(
    fc.property(fc.array(row, { minLength: 3, maxLength: 9 }), fc.integer({ min: 1, max: 9 }), (drawn, most) => {
      const rows = drawn.map((values) => values.map(Math.fround))
      const count = Math.min(most, rows.length)
      const kept = choose(divPrune(), { hidden: states(rows) }, { kind: 'tokens', value: count }).kept[0] as number[]
      const distance = (i: number, j: number): number => 1 - cosine(rows[i]!, rows[j]!)
      const apart = Math.min(...kept.flatMap((i) => kept.filter((j) => j !== i).map((j) => distance(i, j))))
      for (const dropped of rows.keys()) {
        if (kept.includes(dropped)) continue
        expect(Math.min(...kept.map((i) => distance(i, dropped)))).toBeLessThanOrEqual(apart + 1e-9)
      }
      expect(kept).toEqual(chosenPlainly(rows, count))
    }),
    { numRuns: 60 },
  )
})

test('refuses an amount that is not a number of tokens', () => {
  const hidden = states(angles.map(at))
  expect(() => choose(divPrune(), { hidden }, { kind: 'threshold', value: 1 })).toThrow(
    /it adds tokens up to a number.*give keep, tokens or remove/,
  )
})
