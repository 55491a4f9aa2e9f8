import {
  axisSize,
  cast,
  constant,
  gatherND,
  input,
  none,
  schedule,
  slice,
  squeeze,
  sub,
  type Tensor,
  truncate,
  where,
} from '@tp/core'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { decodeModel, type Model } from '@tp/onnx'
import { inTurn, languageModel } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { countFlops, inspect, pack, prune, readLastToken, transform, whyRefused } from '../src/index.ts'
import { type CausalForm, encoder, inputsOf, type MaskForm, plainEncoder, type TestEncoderOptions } from './encoders.ts'
import { dataSets, fixture, openFixture } from './fixtures.ts'
import { difference, int64, numbers, run } from './run.ts'

const half = schedule(2, { layers: [0], keep: 0.5 })

function pruned(model: Model, method = receivedAttention()): Model {
  return transform(model, prune({ method, schedule: half })).model
}

describe('a class token that comes first sees only itself, whatever is pruned', () => {
  const forms: readonly CausalForm[] = ['constant', 'sliced constant', 'triangle', 'range', 'chosen', 'multiplied']
  const masks: readonly MaskForm[] = ['none', 'added', 'added whole', 'chosen']
  for (const [row, causal] of forms.entries()) {
    test.each(inTurn(masks, row, 2))(`${causal}, mask %s`, async (mask) => {
      for (const opset of inTurn([14, 18], row, 1)) {
        const options = {
          ...plainEncoder,
          causal,
          mask,
          opset,
          ...(causal === 'constant' && { sizes: [2, 7] as const }),
        }
        const model = decodeModel(encoder(options))
        const inputs = inputsOf(options, 2, 7, 2)
        const [dense, own] = [await run(model, inputs), await run(pruned(model), inputs)]
        expect(difference(numbers(own.logits), numbers(dense.logits))).toBeLessThan(1e-5)
      }
    })
  }
})

describe('a head that reads one token', () => {
  const last = (x: Tensor): Tensor => squeeze(slice(x, { axis: 1, start: -1 }), [1])
  const chosen = (x: Tensor): Tensor => gatherND(x, input('position', 'int64', ['batch', 1]), 1)
  /** As GPT-Neo: the rows of a table that are as many as the queries, up to the number of keys. */
  const countingQueries = (scores: Tensor): Tensor => {
    const table = Float32Array.from({ length: 144 }, (_, i) => (i % 12 <= Math.floor(i / 12) ? 1 : 0))
    const [queries, keys] = [axisSize(scores, 2), axisSize(scores, 3)]
    const rows = slice(constant(table, 'float32', [1, 1, 12, 12]), { axis: 2, start: sub(keys, queries), end: keys })
    return where(cast(slice(rows, { axis: 3, start: 0, end: keys }), 'bool'), scores, -1e9)
  }

  test.each<[string, Partial<TestEncoderOptions>]>([
    ['a triangle', { causal: 'triangle', head: last }],
    ['a triangle, and the token chosen', { causal: 'triangle', head: chosen }],
    ['cut out of a table by counting queries', { hide: countingQueries, head: last }],
    ['cut out of a table by counting queries, and the token chosen', { hide: countingQueries, head: chosen }],
  ])('gets the same from a model without dead tokens, whose causal mask is %s', async (_, own) => {
    const options: TestEncoderOptions = { ...plainEncoder, mask: 'none', ...own }
    const model = decodeModel(encoder(options))
    const read = own.head === chosen && { position: int64([2, 1], [2, 4]) }
    const inputs = { ...inputsOf(options, 2, 7, 2), ...read }
    const { model: exact } = transform(model, prune({ method: none(), schedule: new Map() }))
    const [dense, lean, few] = [await run(model, inputs), await run(exact, inputs), await run(pruned(model), inputs)]
    expect(difference(numbers(lean.logits), numbers(dense.logits))).toBeLessThan(1e-5)
    expect(numbers(few.logits).every(Number.isFinite)).toBe(true)
  })
})

test('GPT-Neo, whose last layer counts its queries, is pruned and keeps that layer whole', async () => {
  const neo = fixture('gpt-neo-cls-ts17')
  const model = openFixture(neo)
  const { model: exact } = transform(model, prune({ method: none(), schedule: new Map() }))
  const { model: few } = transform(model, prune({ method: receivedAttention(), schedule: half, trace: true }))
  for (const { inputs, outputs } of dataSets(neo)) {
    const [lean, own] = [await run(exact, inputs), await run(few, inputs)]
    expect(difference(numbers(lean.logits), numbers(outputs.logits))).toBeLessThan(1e-5)
    expect(difference(numbers(own.logits), numbers(outputs.logits))).toBeGreaterThan(1e-3)
    expect(own['tp.trace.0.indices']?.dims).toEqual([3, 6])
  }
})

describe('states of a causal model that are pooled outside', () => {
  const model = openFixture(fixture('gpt2-old-ts14'))
  const ids = [5, 9, 12, 3, 8, 21, 7, 14, 2, 30]
  /** Two texts, the second of 6 tokens and padded on one side. */
  function padded(side: 'left' | 'right') {
    const at = (i: number): number => (side === 'left' ? i - 4 : i)
    const real = ids.map((_, i) => at(i) >= 0 && at(i) < 6)
    return {
      input_ids: int64([2, 10], [...ids, ...ids.map((_, i) => (real[i] ? (ids[at(i)] as number) : 0))]),
      attention_mask: int64([2, 10], [...ids.map(() => 1), ...real.map(Number)]),
    }
  }
  const statesOf = async (of: Model, inputs: ReturnType<typeof padded>) => {
    const values = numbers((await run(of, inputs)).last_hidden_state)
    const width = values.length / 20
    return (row: number, token: number): number[] =>
      values.slice((row * 10 + token) * width, (row * 10 + token + 1) * width)
  }

  test('an earlier token has the state that the dense model gives it where only later ones are gone', async () => {
    const first = transform(model, prune({ method: truncate(), schedule: half, restore: 'nearest' })).model
    const inputs = padded('right')
    const [dense, own] = [await statesOf(model, inputs), await statesOf(first, inputs)]
    for (const token of [0, 1]) expect(difference(own(1, token), dense(1, token))).toBeLessThan(1e-5)
  })

  test.each(['left', 'right'] as const)(
    'pruning keeps the last attended token, with padding on the %s',
    async (side) => {
      const { model: traced } = transform(model, prune({ method: truncate(), schedule: half, trace: true }))
      const kept = numbers((await run(traced, padded(side)))['tp.trace.0.indices'])
      const perRow = kept.length / 2
      expect(kept.slice(0, perRow)).toContain(9)
      expect(kept.slice(perRow)).toContain(side === 'left' ? 9 : 5)
    },
  )

  test('a method that reads a class token reads the last one', async () => {
    const inputs = padded('left')
    const [dense, own] = [await statesOf(model, inputs), await statesOf(pruned(model, clsAttention()), inputs)]
    expect(difference(own(1, 9), dense(1, 9))).toBeGreaterThan(0)
    expect(own(1, 9).every(Number.isFinite)).toBe(true)
  })

  describe('where the last token alone is read', () => {
    const read = transform(model, readLastToken({ output: 'last_hidden_state' })).model
    const rowOf = (side: 'left' | 'right'): number => (side === 'left' ? 9 : 5)

    test.each(['left', 'right'] as const)('every row holds that token, with padding on the %s', async (side) => {
      const inputs = padded(side)
      const [dense, own] = [await statesOf(model, inputs), await statesOf(read, inputs)]
      for (const token of [0, 3, 9]) {
        expect(difference(own(0, token), dense(0, 9))).toBe(0)
        expect(difference(own(1, token), dense(1, rowOf(side)))).toBe(0)
      }
    })

    test.each(['left', 'right'] as const)('the last layer computes one row, with padding on the %s', async (side) => {
      const every = openFixture(fixture('qwen3-embedding-ts17'))
      const reading = readLastToken({ output: 'last_hidden_state' })
      const { model: exact } = transform(every, reading, prune({ method: none(), schedule: new Map() }))
      const inputs = padded(side)
      const [dense, own] = [await statesOf(every, inputs), await statesOf(exact, inputs)]
      expect(difference(own(0, 9), dense(0, 9))).toBeLessThan(1e-5)
      expect(difference(own(1, 0), dense(1, rowOf(side)))).toBeLessThan(1e-5)
      const seen = [every, exact].map((each) => countFlops(each, { batch: 1, tokens: 10 }))
      expect(seen[1]).toBeLessThan((seen[0] as number) * 0.8)
    })

    test.each(['left', 'right'] as const)(
      'pruning finds it among the kept ones, with padding on the %s',
      async (side) => {
        const inputs = padded(side)
        const [rows, one] = [await statesOf(pruned(model), inputs), await statesOf(pruned(read), inputs)]
        expect(difference(one(1, 0), rows(1, rowOf(side)))).toBeLessThan(1e-5)
        expect(difference(one(0, 0), rows(0, 9))).toBeLessThan(1e-5)
      },
    )
  })

  test('inspection names the last attended token as protected', () => {
    expect(inspect(model)).toMatchObject({ ok: true, positions: ['the last attended token'] })
  })

  test.each([0, 8])(
    'refuses a decoder without caches, which gives an answer for each token, and %i more',
    (padding) => {
      const logits = languageModel(padding)
      expect(inspect(logits)).toMatchObject({ ok: false, refusal: { code: 'TP_CAUSAL' } })
      expect(() => pruned(logits)).toThrow(/causal attention, and an answer for each token/)
    },
  )

  test('packs it, since no token is pruned', () => {
    expect(whyRefused(() => transform(languageModel(), pack()))).toBeUndefined()
  })
})
