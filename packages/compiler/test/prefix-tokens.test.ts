import {
  add,
  axisSize,
  cast,
  concat,
  constant,
  div,
  expand,
  gather,
  input,
  matmul,
  mean,
  mul,
  none,
  reshape,
  schedule,
  slice,
  splitAxis,
  sub,
  sum,
  type Tensor,
  transpose,
  unsqueeze,
} from '@tp/core'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { decodeModel, emitModel } from '@tp/onnx'
import { inTurn } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { countFlops, inspect, prune, transform } from '../src/index.ts'
import { logitsOf } from './encoders.ts'
import { type Built, expectHiddenKeys } from './hidden-keys.ts'
import { difference, int64, numbers, run } from './run.ts'

const [TOKENS, HEAD] = [12, 4]
const ids = input('input_ids', 'int64', ['batch', 'sequence'])
const classes = constant(
  Array.from({ length: 24 }, (_, i) => Math.sin(i)),
  'float32',
  [8, 3],
)
const table = (of: (angle: number) => number): Tensor =>
  constant(
    Array.from({ length: TOKENS * HEAD }, (_, i) =>
      of(Math.floor(i / HEAD) * 3 ** -(Math.floor((i % HEAD) / 2) + 0.2)),
    ),
    'float32',
    [TOKENS, HEAD],
  )

/** cos and sin for tokens from `prefix` on: n - prefix rows. */
function tables(prefix: number, isProtected: boolean): Tensor[] {
  const rows = isProtected ? TOKENS - prefix : sub(axisSize(ids, 1), prefix)
  return [Math.cos, Math.sin].map((of) => slice(table(of), { axis: 0, start: 0, end: rows }))
}

/** x [b,h,n,d], pairs of neighbors turned, as in EVA-02. */
function neighbors(x: Tensor): Tensor {
  const [odd, even] = [slice(x, { axis: 3, start: 1, step: 2 }), slice(x, { axis: 3, start: 0, step: 2 })]
  const pair = concat([unsqueeze(mul(odd, -1), [4]), unsqueeze(even, [4])], 4)
  return reshape(pair, [axisSize(x, 0), axisSize(x, 1), axisSize(x, 2), axisSize(x, 3)])
}

/** Halves turned, as in DINOv3. */
function halves(x: Tensor): Tensor {
  return concat([mul(slice(x, { axis: 3, start: HEAD / 2 }), -1), slice(x, { axis: 3, start: 0, end: HEAD / 2 })], 3)
}

const turn = (x: Tensor, [cos, sin]: readonly Tensor[], half: (x: Tensor) => Tensor): Tensor =>
  add(mul(x, cos as Tensor), mul(half(x), sin as Tensor))

/** How leading tokens are kept out of the turning. */
const forms: readonly { readonly name: string; rotate(prefix: number, isProtected: boolean): (x: Tensor) => Tensor }[] =
  [
    {
      name: 'slices, neighbors',
      rotate: (prefix, isProtected) => (x) => {
        const [first, rest] = [slice(x, { axis: 2, start: 0, end: prefix }), slice(x, { axis: 2, start: prefix })]
        return concat([first, turn(rest, tables(prefix, isProtected), neighbors)], 2)
      },
    },
    {
      name: 'a split with fixed sizes, halves',
      rotate: (prefix) => (x) => {
        const [first, rest] = splitAxis(x, [prefix, TOKENS - prefix], 2) as [Tensor, Tensor]
        return concat([first, turn(rest, tables(prefix, true), halves)], 2)
      },
    },
    {
      name: 'slices from the table’s size, tables per row',
      rotate: (prefix, isProtected) => (x) => {
        const [first, rest] = [slice(x, { axis: 2, start: 0, end: prefix }), slice(x, { axis: 2, start: prefix })]
        const size = concat([axisSize(x, 0), constant([1], 'int64'), axisSize(rest, 2), constant([HEAD], 'int64')], 0)
        const whole = tables(prefix, isProtected).map((rows) => expand(unsqueeze(rows, [0, 1]), size))
        return concat([first, turn(rest, whole, halves)], 2)
      },
    },
    {
      name: 'before the heads get an axis of their own in front',
      rotate: (prefix, isProtected) => (x) => {
        const y = transpose(x, [0, 2, 1, 3])
        const [first, rest] = [slice(y, { axis: 1, start: 0, end: prefix }), slice(y, { axis: 1, start: prefix })]
        const rows = tables(prefix, isProtected).map((part) => unsqueeze(part, [1]))
        return transpose(concat([first, turn(rest, rows, halves)], 1), [0, 2, 1, 3])
      },
    },
  ]

const plain = {
  layerCount: 3,
  heads: 2,
  headDim: HEAD,
  norm: 'pre',
  mask: 'none',
  pooling: 'none',
  opset: 17,
  seed: 2,
} as const
const inputs = {
  input_ids: int64(
    [2, TOKENS],
    Array.from({ length: 2 * TOKENS }, (_, i) => (7 * i + Math.floor(i / 5)) % 30),
  ),
}

describe('rope without leading tokens', () => {
  for (const [row, { name, rotate }] of forms.entries()) {
    for (const prefix of [1, 3]) {
      // A free length of at least three tokens has no name of its own.
      for (const isProtected of name.includes('fixed sizes') || prefix > 1 ? [true] : [true, false]) {
        const hide: Built['hide'] = (scores) => scores
        const rotated = {
          ...plain,
          ...(isProtected && { sizes: [2, TOKENS] as const }),
          rotate: rotate(prefix, isProtected),
          hide,
        }
        const plans = [
          [readFirst, clsAttention(), { layers: [0, 1, 2], keep: 0.6 }],
          [skipped(prefix), receivedAttention(), { layers: [0, 1], tokens: [7, prefix + 2] }],
          [readFirst, receivedAttention(), { layers: [0, 1], mass: 0.7 }],
        ] as const
        for (const [pool, method, amounts] of inTurn(plans, row + prefix, 1)) {
          const length = isProtected ? 'fixed' : 'free'
          test(`${name}, ${prefix} leading tokens, ${length} length, ${JSON.stringify(amounts)}`, async () => {
            const kept = await expectHiddenKeys(
              { ...rotated, pool },
              { method, schedule: schedule(3, amounts) },
              inputs,
            )
            for (const row of kept) expect(row.slice(0, prefix)).toEqual(Array.from({ length: prefix }, (_, i) => i))
          })
        }
      }
    }
  }

  test('computes only queries, keys and values for the others in the last layer with a class-token head', async () => {
    for (const { rotate } of forms) {
      const turned = {
        ...plain,
        sizes: [2, TOKENS] as const,
        rotate: rotate(1, true),
        head: (x: Tensor) => readFirst(x),
      }
      const model = decodeModel(emitModel({ logits: logitsOf(turned) }))
      const lean = transform(model, prune({ method: none(), schedule: new Map() }))
      const [a, b] = [await run(lean.model, inputs), await run(model, inputs)]
      expect(difference(numbers(a.logits), numbers(b.logits))).toBeLessThan(1e-6)
      const saved = countFlops(model, { batch: 2 }) - countFlops(lean.model, { batch: 2 })
      expect(saved).toBe(2 * 11 * (5 * 8 * 8 + 2 * TOKENS * 8))
    }
  })

  test('keeps leading tokens, and takes only what the head reads as a class token', () => {
    const found = (head: (x: Tensor) => Tensor) => {
      const rotate = (forms[0] as (typeof forms)[number]).rotate(3, true)
      const sizes = [2, TOKENS] as const
      return inspect(decodeModel(emitModel({ logits: logitsOf({ ...plain, sizes, rotate, head }) })))
    }
    expect(found((x) => readFirst(x))).toMatchObject({ ok: true, protectedTokens: [0, 1, 2], classToken: 0 })
    expect(found((x) => matmul(mean(x, 1), classes))).toMatchObject({
      protectedTokens: [0, 1, 2],
      classToken: undefined,
    })
  })

  test('refuses parts that return in another order', () => {
    const rotate = (x: Tensor): Tensor =>
      concat([slice(x, { axis: 2, start: 1 }), slice(x, { axis: 2, start: 0, end: 1 })], 2)
    const model = emitModel({ logits: logitsOf({ ...plain, rotate, head: (x) => readFirst(x) }) })
    expect(inspect(decodeModel(model))).toMatchObject({ ok: false, refusal: { code: 'TP_TOKEN_CONCAT' } })
  })
})

function readFirst(x: Tensor, _left?: Tensor): Tensor {
  return matmul(gather(x, 0, 1), classes)
}

/** The mean of the kept tokens after the leading ones. */
function skipped(prefix: number): Built['pool'] {
  return (x, kept) => {
    const rest = slice(x, { axis: 1, start: prefix })
    if (kept === undefined) return matmul(mean(rest, 1), classes)
    const weight = unsqueeze(slice(kept, { axis: 1, start: prefix }), [2])
    const weights = cast(weight, 'float32')
    return matmul(div(sum(mul(rest, weights), 1), sum(weights, 1)), classes)
  }
}
