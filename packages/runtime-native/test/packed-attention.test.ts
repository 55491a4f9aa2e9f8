// PackedAttention against softmax(Q·Kᵀ·scale + keyBias + bias)·V in double precision, on every set of instructions.

import type { NamedTensors, Runtime, Session, TensorLike } from '@tp/core/runtime'
import { thorough } from 'exported-encoders'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { runtimeWith } from './instructions.ts'
import { describeNative } from './native.ts'
import { attentionModel } from './operator-model.mjs'

/** The inputs of an attention; axes are those of heads, tokens and features. */
interface Case {
  readonly lengths: readonly number[]
  readonly heads: number
  readonly headDim: number
  readonly valueDim: number
  readonly axes: Readonly<Record<'query' | 'key' | 'value' | 'context', readonly number[]>>
  readonly hasKeyBias: boolean
  readonly hasQueryWeights: boolean
  /** Rows and heads of the bias, and positions of each row after its tokens. */
  readonly bias: { readonly perRow: boolean; readonly perHead: boolean; readonly gaps: number } | undefined
  readonly seed: number
}

const threeAxes = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 3, maxLength: 3 })
const cases: fc.Arbitrary<Case> = fc.record({
  lengths: fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 60, max: 140 })), {
    minLength: 1,
    maxLength: 4,
  }),
  heads: fc.integer({ min: 1, max: 3 }),
  headDim: fc.integer({ min: 1, max: 80 }),
  valueDim: fc.integer({ min: 1, max: 80 }),
  axes: fc.record({
    query: threeAxes,
    key: threeAxes,
    value: threeAxes,
    context: fc.shuffledSubarray([0, 1, 2], { minLength: 2, maxLength: 2 }).map((axes) => [...axes, 3]),
  }),
  hasKeyBias: fc.boolean(),
  hasQueryWeights: fc.boolean(),
  bias: fc.option(fc.record({ perRow: fc.boolean(), perHead: fc.boolean(), gaps: fc.integer({ min: 0, max: 9 }) }), {
    nil: undefined,
  }),
  seed: fc.nat(),
})

type At = (head: number, token: number, feature: number) => number

/** A tensor of four axes whose entries are given by head, token and feature. */
function scatter(sizes: readonly number[], axes: readonly number[], at: At): TensorLike {
  const { dims, place } = layout(sizes, axes)
  const data = new Float32Array(dims.reduce((size, dim) => size * dim, 1))
  const [heads = 0, tokens = 0, features = 0] = sizes
  for (let h = 0; h < heads; h++) {
    for (let t = 0; t < tokens; t++) for (let f = 0; f < features; f++) data[place(h, t, f)] = at(h, t, f)
  }
  return { type: 'float32', dims, data }
}

function layout(sizes: readonly number[], axes: readonly number[]): { dims: number[]; place: At } {
  const dims = [1, 1, 1, 1]
  for (const [i, axis] of axes.entries()) dims[axis] = sizes[i]!
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((size, dim) => size * dim, 1))
  const [head = 0, token = 0, feature = 0] = axes.map((axis) => strides[axis]!)
  return { dims, place: (h, t, f) => h * head + t * token + f * feature }
}

/** Random numbers of a shape, single precision, as a function of their index. */
function numbers(random: () => number, heads: number, tokens: number, features: number): At {
  const values = Float32Array.from({ length: heads * tokens * features }, random)
  return (h, t, f) => values[(h * tokens + t) * features + f]!
}

/** Largest difference to the numbers in double precision, where those are below 1, and of those above 1 as a part of them. */
const tolerances = { float: 1e-5, integers: 5e-3 }

async function compare(runtime: Runtime, one: Case, products: keyof typeof tolerances): Promise<void> {
  const closeTo = (seen: number, expected: number): void => {
    const far = Math.abs(seen - expected) / Math.max(1, Math.abs(expected))
    if (!(far <= tolerances[products])) expect(seen).toBeCloseTo(expected, 5)
  }
  const { lengths, heads, headDim, valueDim, axes } = one
  let drawn = one.seed % 1000
  const random = (): number => 2 * Math.sin(++drawn * drawn)
  const rows = lengths.length
  const tokens = lengths.reduce((sum, length) => sum + length, 0)
  const begins = lengths.map((_, row) => lengths.slice(0, row).reduce((sum, length) => sum + length, 0))
  const [query, key] = [numbers(random, heads, tokens, headDim), numbers(random, heads, tokens, headDim)]
  const value = numbers(random, heads, tokens, valueDim)
  const keyBias = numbers(random, 1, 1, tokens)
  const weights = numbers(random, 1, 1, tokens)
  // Tokens of a row stand among `padded` positions, in order, with gaps between them.
  const padded = Math.max(...lengths) + (one.bias?.gaps ?? 0)
  const positions = lengths.flatMap((length) => {
    const free = padded - length
    const skip = Array.from({ length }, () => Math.floor(Math.abs(random()) * 3) % (free + 1)).sort((a, b) => a - b)
    return skip.map((gap, i) => i + gap)
  })
  const biasHeads = one.bias?.perHead ? heads : 1
  const biasRows = one.bias?.perRow ? rows : 1
  const bias = numbers(random, biasRows * biasHeads, padded, padded)
  // A processor's order of sums does not matter much for scores of moderate size.
  const scale = Math.fround(1 / Math.sqrt(headDim))

  const feeds: Record<string, TensorLike> = {
    query: scatter([heads, tokens, headDim], axes.query, query),
    key: scatter([heads, tokens, headDim], axes.key, key),
    value: scatter([heads, tokens, valueDim], axes.value, value),
    offsets: int64([...begins, tokens]),
  }
  if (one.hasKeyBias) feeds.keyBias = float32([1, tokens], (i) => keyBias(0, 0, i))
  if (one.hasQueryWeights) feeds.queryWeights = float32([1, tokens], (i) => weights(0, 0, i))
  if (one.bias !== undefined) {
    feeds.bias = float32([biasRows, biasHeads, padded, padded], (i) => bias(0, 0, i))
    feeds.positions = int64(
      lengths.flatMap((length, row) =>
        positions.slice(begins[row], begins[row]! + length).map((n) => row * padded + n),
      ),
    )
  }
  const attributes = {
    scale,
    queryAxes: axes.query,
    keyAxes: axes.key,
    valueAxes: axes.value,
    contextAxes: axes.context,
    integers: Number(products === 'integers'),
  }
  const model = attentionModel(Object.keys(feeds), attributes)
  await using session = await runtime.load(model, { threads: 2 })
  const { context, received } = await session.run(feeds as NamedTensors)

  const sum = new Float64Array(heads * tokens)
  const out = layout([heads, tokens, valueDim], axes.context)
  expect(context?.dims).toEqual(out.dims)
  for (const [row, begin] of begins.entries()) {
    const own = Array.from({ length: lengths[row]! }, (_, i) => begin + i)
    for (let h = 0; h < heads; h++) {
      for (const i of own) {
        const scores = own.map((j) => {
          let score = 0
          for (let f = 0; f < headDim; f++) score += query(h, i, f) * key(h, j, f)
          score *= scale
          if (one.hasKeyBias) score += keyBias(0, 0, j)
          const matrix = (one.bias?.perRow ? row : 0) * biasHeads + (one.bias?.perHead ? h : 0)
          return one.bias === undefined ? score : score + bias(matrix, positions[i]!, positions[j]!)
        })
        const most = Math.max(...scores)
        const total = scores.reduce((all, score) => all + Math.exp(score - most), 0)
        const shares = scores.map((score) => Math.exp(score - most) / total)
        for (const [n, j] of own.entries()) sum[h * tokens + j]! += shares[n]! * weights(0, 0, i)
        for (let f = 0; f < valueDim; f++) {
          const expected = own.reduce((all, j, n) => all + shares[n]! * value(h, j, f), 0)
          closeTo(context?.data[out.place(h, i, f)] as number, expected)
        }
      }
    }
  }
  if (!one.hasQueryWeights) return
  expect(received?.dims).toEqual([1, heads, 1, tokens])
  for (const [i, expected] of sum.entries()) closeTo(received?.data[i] as number, expected)
}

function float32(dims: number[], at: (i: number) => number): TensorLike {
  return {
    type: 'float32',
    dims,
    data: Float32Array.from({ length: dims.reduce((size, dim) => size * dim, 1) }, (_, i) => at(i)),
  }
}

function int64(values: readonly number[]): TensorLike {
  return { type: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) }
}

describeNative('packed attention', () => {
  describe.each(['baseline', 'avx2', 'avx512'])('on %s', (instructions) => {
    let runtime: Runtime | undefined
    beforeAll(async () => {
      runtime = await runtimeWith(instructions)
    })
    afterAll(() => vi.resetModules())

    test.for(['float', 'integers'] as const)(
      'the attention is the softmax over the tokens of each row, by products of %s',
      { timeout: 120_000 },
      async (products, context) => {
        if (runtime === undefined) return context.skip('this processor does not have these instructions')
        const own = runtime
        await fc.assert(
          fc.asyncProperty(cases, (one) => compare(own, one, products)),
          { numRuns: thorough(12, 40) },
        )
      },
    )

    test.for([0, 1])('without offsets each example has its own attention, integers %i', async (integers, context) => {
      if (runtime === undefined) return context.skip('this processor does not have these instructions')
      const [examples, tokens, features] = [3, 37, 24]
      const at = (i: number): number => 2 * Math.sin(i * i)
      const load = (model: Uint8Array): Promise<Session> => (runtime as Runtime).load(model, { threads: 2 })
      await using packed = await load(attentionModel(['keyBias'], { integers }))
      await using whole = await load(attentionModel(['keyBias'], { integers }, { offsets: false }))
      const tensors = (dims: number[]): NamedTensors => ({
        query: float32(dims, at),
        key: float32(dims, (i) => at(i + 1)),
        value: float32(dims, (i) => at(i + 2)),
      })
      const bias = (dims: number[]): TensorLike => float32(dims, (i) => at(i + 3))
      const rows = { ...tensors([1, 1, examples * tokens, features]), keyBias: bias([1, examples * tokens]) }
      const offsets = int64(Array.from({ length: examples + 1 }, (_, i) => i * tokens))
      const { context: expected } = await packed.run({ ...rows, offsets })
      const batch = { ...tensors([examples, 1, tokens, features]), keyBias: bias([examples, tokens]) }
      const { context: seen } = await whole.run(batch)
      expect(seen?.dims).toEqual([examples, 1, tokens, features])
      expect(seen?.data).toEqual(expected?.data)
      const alone = { ...tensors([1, 1, tokens, features]), keyBias: bias([1, tokens]) }
      const first = (await whole.run(alone)).context?.data
      expect(first).toEqual(seen?.data.slice(0, tokens * features))
      const { context: one } = await whole.run({ ...alone, query: float32([1, 1, 1, features], at) })
      expect(one?.data).toEqual(first?.slice(0, features))
      await expect(whole.run({ ...alone, keyBias: bias([2, tokens]) })).rejects.toMatchObject({
        code: 'TP_RUN',
        message: expect.stringMatching(/keyBias is not \[batch\|1, keys\] of 1 examples and 37 keys/),
      })
    })

    test.for([0, 1])(
      'passes on NaN in its own row only, and makes 0 of a row that sees no key, integers %i',
      async (integers, context) => {
        if (runtime === undefined) return context.skip('this processor does not have these instructions')
        await using session = await runtime.load(attentionModel(['keyBias', 'queryWeights'], { integers }), {
          threads: 1,
        })
        const sizes = [1, 7, 5]
        const feeds = {
          query: scatter(sizes, [1, 2, 3], (_, t) => (t === 1 ? Number.NaN : t)),
          key: scatter(sizes, [1, 2, 3], (_, t, f) => t - f),
          value: scatter(sizes, [1, 2, 3], (_, t) => t),
          offsets: int64([0, 3, 5, 7]),
          // Nothing to attend to in the second row; one key of two in the third.
          keyBias: float32(
            [1, 7],
            (t) => [0, 0, 0, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 0][t]!,
          ),
          queryWeights: float32([1, 7], () => 1),
        }
        const { context: seen, received } = await session.run(feeds)
        const firsts = Array.from({ length: 7 }, (_, t) => seen?.data[t * 5] as number)
        expect(firsts.map(Number.isNaN)).toEqual([false, true, false, false, false, false, false])
        expect(firsts.slice(3, 5)).toEqual([0, 0])
        expect(Array.from((received as { data: Float32Array }).data.slice(3, 5))).toEqual([0, 0])
        for (const seen of firsts.slice(5)) expect(seen).toBeCloseTo(6, 2)
      },
    )
  })

  test('names the known instructions where others are requested', async () => {
    vi.resetModules()
    vi.stubEnv('TP_INSTRUCTIONS', 'abacus')
    const { openAddon } = await import('../src/addon.ts')
    expect(openAddon).toThrow(
      expect.objectContaining({ code: 'TP_OPTION', message: expect.stringMatching(/baseline, not abacus/) }),
    )
    vi.unstubAllEnvs()
  })
})
