import { describe, expect, test } from 'vitest'
import type { TensorLike } from '../array.ts'
import { evaluate } from '../expression/interpreter.ts'
import type { Tensor } from '../expression/tensor.ts'
import type { Method } from '../method/method.ts'
import type { Spec } from '../method/site.ts'
import { abs, constant, mul, slice, sub, sum } from '../ops/index.ts'
import { methodChecks } from '../testing/method-checks.ts'
import { carriedOn, lists } from '../testing/one-site.ts'
import { reduceTokens } from './reduce.ts'
import type { SiteSource } from './site-source.ts'
import { initialState } from './state.ts'

const hidden = constant([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 'float32', [1, 3, 4])

function carrying(spec: Spec, next: (carried: Tensor) => Tensor = (carried) => carried): Method {
  return {
    name: 'carrying',
    family: 'baseline',
    carry: { state: spec },
    reduce({ budget, attended, position, carried }) {
      return { keep: budget?.select(position) ?? attended, carry: { state: next(carried.state as Tensor) } }
    },
  }
}

describe('a method carries, for each token,', () => {
  test.each<[string, Spec, number[]]>([
    ['one number', { dims: ['N'], init: 5 }, [5, 5, 5]],
    ['one number for each token', { dims: ['N', 'N'], init: 2 }, Array(9).fill(2)],
    ['its row of the identity', { dims: ['N', 'N'], init: 'identity' }, [1, 0, 0, 0, 1, 0, 0, 0, 1]],
    ['as many numbers as its state has', { dims: ['N', 'D'], init: 0 }, Array(12).fill(0)],
    ['half as many', { dims: ['N', 'D/2'], init: 1 }, Array(6).fill(1)],
    ['a number of numbers', { dims: ['N', 5], init: -1 }, Array(15).fill(-1)],
  ])('%s', (_, spec, initial) => {
    expect(carriedOn(carrying(spec), { hidden }, 'state')).toEqual([initial])
  })
})

test('states that a method carries are those of the kept tokens afterwards', () => {
  const remembering: Method = {
    ...carrying({ dims: ['N', 'D'], init: 0 }),
    reduce: ({ budget, attended, position, hidden }) => ({
      keep: budget?.select(position) ?? attended,
      carry: { state: mul(hidden, 10) },
    }),
  }
  const source: SiteSource = {
    ...{ layer: 0, layerCount: 2, hidden, classToken: () => 0 },
    ...{ query: unread, key: unread, value: unread, attention: unread, attentionFrom: unread },
  }
  const state = initialState(hidden, undefined, [])
  const reduced = reduceTokens({ method: remembering, source, state, amount: { kind: 'tokens', value: 2 } })
  const carried = reduced.state.carried.state as Tensor
  expect(carried.dims).toEqual(['B', 'N', 4])
  expect(lists(evaluate([carried], {})[0] as TensorLike)).toEqual([[50, 60, 70, 80, 90, 100, 110, 120]])
})

function unread(): never {
  throw new Error('not read here')
}

describe('refuses to carry other axes, and lists those that it can carry:', () => {
  test.each<[Spec['dims'], Spec['init'], string]>([
    [['D', 'N'], 0, 'carry.state has the axes [D,N]; must be [N], [N,N], or [N,S]'],
    [['N', 'H'], 0, 'carry.state has the axes [N,H]'],
    [['N', 'D', 'D'], 0, 'carry.state has the axes [N,D,D]'],
    [['N', 'D/0'], 0, 'carry.state has the axes [N,D/0]'],
    [[], 0, 'carry.state has the axes []'],
    [['N', 'D'], 'identity', 'carry.state begins as the identity, which only [N,N] can'],
    [['N'], 'identity', 'carry.state begins as the identity, which only [N,N] can'],
  ])('%j from %s', (dims, init, message) => {
    const error = expect.objectContaining({ code: 'TP_METHOD', message: expect.stringContaining(message) })
    expect(() => carriedOn(carrying({ dims, init }), { hidden }, 'state')).toThrow(error)
  })

  test('a value of another shape than the declared one', () => {
    const narrower = carrying({ dims: ['N', 'D'], init: 0 }, (carried) => slice(carried, { axis: 2, start: 0, end: 2 }))
    const message = expect.stringContaining('carry.state is float32[1,3,2]; must be [1,3,4]')
    expect(() => carriedOn(narrower, { hidden }, 'state')).toThrow(expect.objectContaining({ message }))
  })
})

/** Keeps the tokens whose states have moved farthest since the layer before. */
function moved(dims: Spec['dims']): Method {
  const width = dims[1] === 'D' ? undefined : 8
  return Object.freeze<Method>({
    name: 'moved',
    family: 'baseline',
    carry: { before: { dims, init: 0 } },
    reduce({ budget, attended, hidden, carried }) {
      const own = width === undefined ? hidden : slice(hidden, { axis: 2, start: 0, end: width })
      const distance = sum(abs(sub(own, carried.before as Tensor)), 2)
      return { keep: budget?.select(distance) ?? attended, carry: { before: own } }
    },
  })
}

describe('states of half the width pass the conformance kit:', () => {
  for (const { name, check } of methodChecks(moved(['N', 'D/2']))) test(name, check)
})
