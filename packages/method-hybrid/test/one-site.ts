import {
  type Amount,
  add,
  constant,
  evaluate,
  type Method,
  matmul,
  mul,
  slice,
  softmax,
  swapLast,
  type Tensor,
  unsqueeze,
} from '@tp/core'
import { withUnification } from '@tp/core/expression'
import { initialState, reduceTokens, type SiteSource } from '@tp/core/host'
import type { TensorLike } from '@tp/core/runtime'
import { expectClose, type GoldenArray, rowsOf, tensorOf } from '@tp/core/testing'
import { expect } from 'vitest'

/** The values of one layer that a method reads, and its tokens before pruning. */
export interface SiteCase {
  /** [B,N,D] */
  readonly hidden: Tensor
  /** [B,H,N,Dh] */
  readonly query?: Tensor | undefined
  readonly key?: Tensor | undefined
  readonly value?: Tensor | undefined
  /** [B,1,1,N] what the class token attends to; default: computed from queries and keys */
  readonly classRow?: Tensor | undefined
  /** float [B,N] */
  readonly size?: Tensor | undefined
  /** float [B,N] added to the scores of the keys */
  readonly keyBias?: Tensor | undefined
  /** Default: the class token. */
  readonly protectedTokens?: readonly number[] | undefined
}

/** The kept tokens of one example. */
export interface KeptExample {
  /** Original places. */
  readonly position: readonly number[]
  readonly hidden: readonly (readonly number[])[]
  readonly size: readonly number[]
}

/** Runs a method at one site, in double precision. */
export function reduceOnce(
  method: Method,
  site: SiteCase,
  amount: Amount,
  after = (x: Tensor): Tensor => x,
): KeptExample[] {
  return withUnification(
    (size) => size,
    () => {
      const { hidden, size, protectedTokens = [0] } = site
      const attend = (query: Tensor): Tensor => attention(query, site)
      const source: SiteSource = {
        layer: 0,
        layerCount: 1,
        hidden,
        query: () => need(site.query),
        key: () => need(site.key),
        value: () => need(site.value),
        attention: () => attend(need(site.query)),
        attentionFrom: () => site.classRow ?? attend(slice(need(site.query), { axis: 2, start: 0, end: 1 })),
        classToken: () => 0,
      }
      const state = { ...initialState(hidden, undefined, protectedTokens), size }
      const reduced = reduceTokens({ method, source, state, amount })
      const sizes = reduced.state.size
      const { cut } = reduced
      const [states, position, counts, valid] = evaluate(
        [
          after(cut === undefined ? hidden : cut.states(hidden)),
          reduced.state.position,
          sizes ?? reduced.state.position,
          ...(cut?.valid ? [cut.valid] : []),
        ],
        {},
        { precision: 'float64' },
      ) as [TensorLike, TensorLike, TensorLike, TensorLike?]
      const width = states.dims[2] as number
      return lists(position).map((positions, b) => {
        const slots = positions
          .map((_, slot) => slot)
          .filter((slot) => valid === undefined || lists(valid)[b]?.[slot] === 1)
        const row = lists(states)[b] as number[]
        return {
          position: slots.map((slot) => positions[slot] as number),
          hidden: slots.map((slot) => row.slice(slot * width, (slot + 1) * width)),
          size: slots.map((slot) => (sizes === undefined ? 1 : (lists(counts)[b]?.[slot] as number))),
        }
      })
    },
  )
}

function need(x: Tensor | undefined): Tensor {
  if (x === undefined) throw new Error('the method looks at something that the test does not give')
  return x
}

/**
 * Compares what is left with rows [B,K,D], and sizes [B,K,1] if there are any. Tokens may come in another order, unless
 * `inOrder`: each is looked for among those that are left.
 */
export function expectKept(
  left: readonly KeptExample[],
  states: GoldenArray,
  sizes?: GoldenArray,
  { inOrder = false }: { readonly inOrder?: boolean } = {},
): void {
  const width = states.shape[2] as number
  const expectedSizes = sizes && rowsOf(sizes)
  rowsOf(states).forEach((row, b) => {
    const expected = Array.from({ length: row.length / width }, (_, i) => row.slice(i * width, (i + 1) * width))
    const { hidden, size } = left[b] as KeptExample
    expect(hidden.length, `tokens kept of example ${b}`).toBe(expected.length)
    const free = new Set(hidden.keys())
    expected.forEach((state, i) => {
      const found = inOrder ? i : nearest(state, hidden, free)
      free.delete(found)
      expectClose(hidden[found] as readonly number[], state, `example ${b}, token ${i}`)
      const expectedSize = expectedSizes?.[b]?.[i]
      if (expectedSize !== undefined) expectClose([size[found] as number], [expectedSize], `size ${i} of example ${b}`)
    })
  })
}

function nearest(state: readonly number[], all: readonly (readonly number[])[], free: ReadonlySet<number>): number {
  const distance = (i: number): number =>
    (all[i] as readonly number[]).reduce((sum, x, c) => sum + Math.abs(x - (state[c] as number)), 0)
  return [...free].reduce((a, b) => (distance(b) < distance(a) ? b : a))
}

/** softmax(q·kᵀ/√Dh + bias) [B,H,Q,N] */
export function attention(query: Tensor, { key, keyBias }: Pick<SiteCase, 'key' | 'keyBias'>): Tensor {
  const scores = mul(matmul(query, swapLast(need(key))), 1 / Math.sqrt(query.dims[3] as number))
  return softmax(keyBias === undefined ? scores : add(scores, unsqueeze(keyBias, [1, 2])))
}

/** [B,N,C] → [B,1,N,C]: vectors that are to be compared, as the keys of one head. */
export function asKeys(metric: GoldenArray): Tensor {
  return unsqueeze(tensorOf(metric), 1)
}

/** [B,N,1] → [B,N] */
export function sizesOf({ shape, data }: GoldenArray): Tensor {
  return constant(data, 'float32', shape.slice(0, 2))
}

function lists({ dims, data }: TensorLike): number[][] {
  const numbers = Array.from(data as ArrayLike<number | bigint>, Number)
  const size = numbers.length / (dims[0] as number)
  return Array.from({ length: dims[0] as number }, (_, row) => numbers.slice(row * size, (row + 1) * size))
}
