import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inTurn } from './in-turn.ts'

test.skipIf(process.env.TP_EXHAUSTIVE)('gives consecutive rows every case between them', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer(), { minLength: 1 }),
      fc.nat(100),
      fc.integer({ min: 1, max: 9 }),
      (cases, row, many) => {
        const rows = Array.from({ length: Math.ceil(cases.length / many) }, (_, i) => inTurn(cases, row + i, many))
        expect(rows.every((own) => own.length === Math.min(many, cases.length))).toBe(true)
        expect(new Set(rows.flat())).toEqual(new Set(cases))
      },
    ),
  )
})
