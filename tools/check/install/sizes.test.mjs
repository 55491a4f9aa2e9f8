import { expect, test } from 'vitest'
import { judgeSizes } from './check-install.mjs'
import { steadySizes } from './sizes.mjs'

const recorded = { '@tp/core': { own: 1.3, all: 1.6, packages: 2 } }

/** @param {Partial<import('./sizes.mjs').Size>} [changes] */
function core(changes) {
  return { '@tp/core': { own: 1.3432, all: 1.6218, packages: 2, ...changes } }
}

/** @param {import('./sizes.mjs').Sizes} measured */
const states = (measured) => judgeSizes(recorded, measured).map(({ state }) => state)

test('records a similar size unchanged', () => {
  expect(steadySizes(recorded, core({ own: 1.37, all: 1.7, packages: 3 }))).toEqual(recorded)
  expect(states(core())).toEqual(['passed'])
})

test.each([
  ['a package that has grown', { own: 1.5 }],
  ['a package that has shrunk', { own: 1.1 }],
  ['a larger dependency', { all: 1.9 }],
  ['many small dependencies', { packages: 5 }],
])('records %s, in two digits', (_, changes) => {
  expect(states(core(changes))).toEqual(['failed'])
  expect(steadySizes(recorded, core(changes))).toEqual(core({ own: 1.3, all: 1.6, ...changes }))
})

test('finds new and removed packages', () => {
  expect(states({ ...core(), '@tp/onnx': { own: 0.3, all: 4, packages: 5 } })).toEqual(['passed', 'failed'])
  expect(states({})).toEqual(['failed'])
})
