import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readSettings, writeSettings } from './settings-in-address.ts'

test('reads the settings that it has written', () => {
  const settings = fc.record({
    method: fc.constantFrom('cls-attention', 'tome', 'random'),
    keep: fc.integer({ min: 2, max: 20 }).map((steps) => steps / 20),
    layers: fc.option(fc.uniqueArray(fc.nat({ max: 40 }), { minLength: 1, maxLength: 6 }), { nil: undefined }),
  })
  fc.assert(
    fc.property(settings, (one) => {
      expect(readSettings(writeSettings(one))).toEqual(one)
    }),
  )
})

test.each([
  '',
  'method=nobody&keep=0.5',
  'method=tome&keep=7',
  'method=tome&keep=no',
  'method=tome&keep=0.5&layers=1,x',
  'method=tome&keep=0.5&layers=',
])('takes no settings from "%s"', (text) => {
  expect(readSettings(text)).toBeUndefined()
})
