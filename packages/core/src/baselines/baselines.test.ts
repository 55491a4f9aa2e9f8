import { expect, test } from 'vitest'
import { constant } from '../ops/index.ts'
import { choose, testMethod } from '../testing/index.ts'
import { none } from './none.ts'
import { quasiRandom } from './quasi-random.ts'
import { random } from './random.ts'
import { streaming } from './streaming.ts'
import { stride } from './stride.ts'
import { truncate } from './truncate.ts'

testMethod(none(), { keeps: 'all' })
testMethod(random({ seed: 3 }))
testMethod(stride())
testMethod(truncate())
testMethod(streaming())

test.each(Object.entries({ none, quasiRandom, random, streaming, stride, truncate }))(
  '%s refuses options that it does not know',
  (_, create) => {
    const refusal = expect.objectContaining({ code: 'TP_OPTION', message: expect.stringContaining('no option sead') })
    expect(() => (create as (options: object) => unknown)({ sead: 1 })).toThrow(refusal)
  },
)

test('streaming keeps the first tokens and the last ones', () => {
  const key = constant(
    Array.from({ length: 9 }, () => 1),
    'float32',
    [1, 1, 9, 1],
  )
  const keptBy = (sinks: number): unknown => choose(streaming({ sinks }), { key }, { kind: 'tokens', value: 5 }).kept
  expect([keptBy(2), keptBy(0)]).toEqual([[[0, 1, 6, 7, 8]], [[4, 5, 6, 7, 8]]])
  // More sinks than are kept: the first of them.
  expect(keptBy(7)).toEqual([[0, 1, 2, 3, 4]])
})
