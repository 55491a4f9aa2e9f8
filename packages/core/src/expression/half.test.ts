import { setFloat16 } from '@petamoriken/float16'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromHalves, toHalves } from './half.ts'

const all = Array.from({ length: 2 ** 16 }, (_, bits) => bits)

function byLibrary(values: ArrayLike<number>): number[] {
  const view = new DataView(new ArrayBuffer(2))
  return Array.from(values, (value) => {
    setFloat16(view, 0, value)
    return view.getUint16(0)
  })
}

test('numbers of 16 bits have their own bits again', () => {
  const numbers = fromHalves(all)
  expect([...toHalves(numbers)]).toEqual(all.map((bits, i) => (Number.isNaN(numbers[i]) ? 0x7e00 : bits)))
})

test('numbers between two of 16 bits are rounded as the library rounds them', () => {
  const numbers = fromHalves(all)
  const halfway = all.flatMap((_, i) => {
    const middle = ((numbers[i] ?? 0) + (numbers[i + 1] ?? 0)) / 2
    return Number.isNaN(middle) ? [] : [middle, middle * (1 + 2 ** -52), middle * (1 - 2 ** -52)]
  })
  expect([...toHalves(halfway)]).toEqual(byLibrary(halfway))
})

test('any number is rounded as the library rounds it', () => {
  const ranges = [{}, { min: -70_000, max: 70_000 }, { min: -1e-4, max: 1e-4 }]
  for (const range of ranges) {
    const numbers = fc.array(fc.double({ ...range, noNaN: true }))
    fc.assert(
      fc.property(numbers, (values) => {
        expect([...toHalves(values)]).toEqual(byLibrary(values))
      }),
    )
  }
})
