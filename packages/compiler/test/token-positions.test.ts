import {
  add,
  argMax,
  axisSize,
  cast,
  concat,
  constant,
  equal,
  expand,
  flatten,
  gather,
  gatherElements,
  gatherND,
  input,
  type Method,
  matmul,
  max,
  mul,
  none,
  range,
  reshape,
  type ScheduleOptions,
  schedule,
  slice,
  squeeze,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { decodeModel, emitModel, encodeModel, type Model } from '@tp/onnx'
import { inTurn } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { countFlops, inspect, prune, transform } from '../src/index.ts'
import { logitsOf } from './encoders.ts'
import { type Built, expectHiddenKeys } from './hidden-keys.ts'
import { difference, int64, numbers, run, runOnEach } from './run.ts'

const ids = input('input_ids', 'int64', ['batch', 'sequence'])
const mask = input('attention_mask', 'int64', ['batch', 'sequence'])
const classify = (x: Tensor): Tensor =>
  matmul(
    x,
    constant(
      Array.from({ length: 24 }, (_, i) => Math.sin(i)),
      'float32',
      [8, 3],
    ),
  )
const rowNumbers = (x: Tensor): Tensor => range(0, squeeze(axisSize(x, 0), [0]))
/** (row, token) pairs, as exporters write x[arange(b), index]. */
const pairs = (x: Tensor, index: Tensor): Tensor =>
  gatherND(x, concat([unsqueeze(expand(rowNumbers(x), axisSize(x, 0)), [1]), unsqueeze(index, [1])], 1))
/** Indices into all rows, one after the other, as TorchScript writes x[arange(b), index]. */
const flatPositions = (x: Tensor, index: Tensor): Tensor => add(index, mul(rowNumbers(x), axisSize(x, 1)))
const flat = (x: Tensor, index: Tensor): Tensor => {
  const positions = flatPositions(x, index)
  const read = reshape(gather(flatten(x, 2), positions, 0), [-1, axisSize(x, 2)])
  return reshape(read, [axisSize(positions, 0), axisSize(x, 2)])
}

const masked = (scores: Tensor): Tensor => where(equal(unsqueeze(mask, [1, 2]), 0), -1e9, scores)
const largest = argMax(ids, 1)
const lastAttended = sub(sum(mask, 1), 1)

/** How a head reads one token, and where that is in each row of the inputs below. */
const forms: readonly {
  readonly name: string
  readonly read: (x: Tensor) => Tensor
  readonly position: 'last' | 'largest id' | 'last real'
}[] = [
  { name: 'Gather(-1)', position: 'last', read: (x) => gather(x, -1, 1) },
  { name: 'Gather([-1])', position: 'last', read: (x) => squeeze(gather(x, constant([-1], 'int64'), 1), [1]) },
  { name: 'Slice(-1:)', position: 'last', read: (x) => squeeze(slice(x, { axis: 1, start: -1 }), [1]) },
  { name: 'Gather(n - 1)', position: 'last', read: (x) => squeeze(gather(x, sub(axisSize(ids, 1), 1), 1), [1]) },
  { name: 'GatherND by the largest id', position: 'largest id', read: (x) => pairs(x, largest) },
  { name: 'GatherND by the last real token', position: 'last real', read: (x) => pairs(x, lastAttended) },
  {
    name: 'GatherND by the last real of the positions that there are states for',
    position: 'last real',
    read: (x) => pairs(x, argMax(mul(range(0, squeeze(axisSize(x, 1), [0])), mask), 1)),
  },
  { name: 'GatherND, rows as batch', position: 'last real', read: (x) => gatherND(x, unsqueeze(lastAttended, [1]), 1) },
  { name: 'Gather of flattened rows by the largest id', position: 'largest id', read: (x) => flat(x, largest) },
  {
    name: 'Gather of flattened rows by the last real token',
    position: 'last real',
    read: (x) => flat(x, lastAttended),
  },
  {
    name: 'GatherElements',
    position: 'last real',
    read: (x) => {
      const one = reshape(lastAttended, [-1, 1, 1])
      return squeeze(gatherElements(x, expand(one, concat([axisSize(x, 0), constant([1, 8], 'int64')], 0)), 1), [1])
    },
  },
]

const attended = { right: [8, 5, 3], left: [8, 5, 3] }
const TOKENS = 8
const sizes = { batch: 1, tokens: TOKENS }

function inputsOf(padding: 'right' | 'left' | 'none') {
  const numbers = [3, 28, 7, 29, 11, 5, 17, 2, 9, 4, 29, 6, 1, 12, 8, 3, 5, 2, 25, 10, 20, 13, 14, 15]
  const isAttended = (row: number, token: number): boolean => {
    const count = padding === 'none' ? TOKENS : (attended[padding][row] as number)
    return padding === 'left' ? token >= TOKENS - count : token < count
  }
  const marks = numbers.map((_, i) => (isAttended(Math.floor(i / TOKENS), i % TOKENS) ? 1 : 0))
  return {
    input_ids: int64(
      [3, TOKENS],
      numbers.map((id, i) => (marks[i] === 1 ? id : 0)),
    ),
    attention_mask: int64([3, TOKENS], marks),
  }
}

function positionsOf(position: (typeof forms)[number]['position'], padding: 'right' | 'left' | 'none'): number[] {
  if (position === 'last') return [7, 7, 7]
  if (position === 'largest id') return [3, 2, 2]
  return padding === 'right' ? [7, 4, 2] : [7, 7, 7]
}

const plans: readonly (readonly [Method, ScheduleOptions])[] = [
  [receivedAttention(), { layers: [0, 1], mass: 0.6 }],
  [clsAttention(), { layers: [0, 1, 2], keep: 0.6 }],
  [clsAttention(), { layers: [1], tokens: 1 }],
]

const plain = {
  layerCount: 3,
  heads: 2,
  headDim: 4,
  norm: 'pre',
  mask: 'none',
  pooling: 'none',
  opset: 17,
  seed: 3,
} as const

describe('a head that reads one token at a position of its own', () => {
  for (const [row, { name, read, position }] of forms.entries()) {
    const paddings = position === 'last' ? (['none', 'left'] as const) : (['right'] as const)
    for (const padding of inTurn<'none' | 'left' | 'right'>(paddings, row, 1)) {
      const built: Built = {
        ...plain,
        hide: padding === 'none' ? (scores) => scores : masked,
        pool: (x) => classify(read(x)),
      }
      const { attention_mask, ...others } = inputsOf(padding)
      const inputs = padding === 'none' && position !== 'last real' ? others : { ...others, attention_mask }
      test(`computes only what is read of the last layer: ${name}, padding ${padding}`, async () => {
        const model = decodeModel(emitModel({ logits: logitsOf({ ...built, head: (x) => built.pool(x, undefined) }) }))
        const dense = await run(model, inputs)
        const lean = transform(model, prune({ method: none(), schedule: new Map() }))
        const pruned = transform(
          model,
          prune({
            method: receivedAttention(),
            schedule: schedule(3, { layers: [0], tokens: TOKENS }),
          }),
        )
        for (const result of [lean, pruned]) {
          expect(difference(numbers((await run(result.model, inputs)).logits), numbers(dense.logits))).toBeLessThan(
            1e-5,
          )
        }
        // Of the last layer queries, output and feed-forward: 6·d² for each of 7 tokens, and 2·n·d of its attention.
        const saved = countFlops(model, sizes) - countFlops(lean.model, sizes)
        expect(saved).toBe(7 * (6 * 8 * 8 + 2 * TOKENS * 8))
        const noOp = transform(
          model,
          prune({ method: receivedAttention(), schedule: schedule(3, { layers: [2], keep: 0.5 }) }),
        )
        expect([noOp.reports[0].cuts.length, countFlops(noOp.model, sizes)]).toEqual([0, countFlops(lean.model, sizes)])
      })
      for (const [method, amounts] of inTurn(plans, row, 1)) {
        test(`${name}, padding ${padding}, ${method.name} ${JSON.stringify(amounts)}`, async () => {
          const kept = await expectHiddenKeys(built, { method, schedule: schedule(3, amounts) }, inputs)
          const expected = positionsOf(position, padding)
          kept.forEach((row, b) => {
            expect(row).toContain(expected[b])
          })
        })
      }
    }
  }

  test('reads the last token even where it is padding', async () => {
    const built: Built = { ...plain, hide: masked, pool: (x) => classify(gather(x, -1, 1)) }
    const plan = { method: receivedAttention(), schedule: schedule(3, { layers: [0], keep: 0.75 }) }
    const kept = await expectHiddenKeys(built, plan, inputsOf('right'))
    expect(kept.map((row) => row.at(-1))).toEqual([7, 7, 7])
    expect(kept.map((row) => row.length)).toEqual([6, 5, 3])
  })

  test.each<[string, (x: Tensor) => Tensor]>([
    ['the last real token', (x) => pairs(x, lastAttended)],
    ['the class token and the last real one', (x) => add(gather(x, 0, 1), mul(pairs(x, lastAttended), 0.5))],
    ['the class token and one of padding', (x) => add(gather(x, 0, 1), mul(gather(x, -1, 1), 0.5))],
  ])('reads the same after two prunings as after one: %s', async (_, read) => {
    const head = (x: Tensor): Tensor => classify(read(x))
    const model = decodeModel(emitModel({ logits: logitsOf({ ...plain, hide: masked, head }) }))
    const pruned = (from: Model, amounts: ScheduleOptions): Model =>
      transform(from, prune({ method: receivedAttention(), schedule: schedule(3, amounts) })).model
    const twice = pruned(decodeModel(encodeModel(pruned(model, { layers: [0], keep: 0.6 }))), {
      layers: [1],
      keep: 0.5,
    })
    const once = pruned(model, { layers: [0, 1], keep: [0.6, 0.5] })
    const [a, b] = [await run(twice, inputsOf('right')), await run(once, inputsOf('right'))]
    expect(difference(numbers(a.logits), numbers(b.logits))).toBe(0)
  })

  test('refuses a position that the hidden states choose', () => {
    const head = (x: Tensor): Tensor => classify(pairs(x, cast(max(max(x, 2), 1), 'int64')))
    const model = decodeModel(emitModel({ logits: logitsOf({ ...plain, head }) }))
    expect(inspect(model)).toMatchObject({ ok: false, refusal: { code: 'TP_TOKEN_INDEX' } })
  })

  for (const opset of [11, 17]) {
    test(`reads flattened rows like each alone, opset ${opset}`, async () => {
      const head = (x: Tensor): Tensor => classify(flat(x, lastAttended))
      const model = decodeModel(emitModel({ logits: logitsOf({ ...plain, hide: masked, head }) }, { opset }))
      const plan = { method: receivedAttention(), schedule: schedule(3, { layers: [0, 1], keep: 0.6 }) }
      const pruned = transform(model, prune(plan))
      const { input_ids, attention_mask } = inputsOf('right')
      const of = (x: TensorLike, row: number, count: number): TensorLike =>
        int64([1, count], numbers(x).slice(row * TOKENS, row * TOKENS + count))
      const rows = attended.right.map((count, row) => ({
        input_ids: of(input_ids, row, count),
        attention_mask: of(attention_mask, row, count),
      }))
      const [together, ...alone] = await runOnEach(pruned.model, [{ input_ids, attention_mask }, ...rows])
      expect(
        difference(
          numbers(together?.logits),
          alone.flatMap(({ logits }) => numbers(logits)),
        ),
      ).toBeLessThan(1e-5)
    })
  }

  test('may read flattened rows into an output of the model', async () => {
    const head = (x: Tensor): Tensor => gather(reshape(x, [-1, 8]), flatPositions(x, lastAttended), 0)
    const model = decodeModel(emitModel({ logits: logitsOf({ ...plain, hide: masked, head }) }))
    const pruned = transform(
      model,
      prune({ method: receivedAttention(), schedule: schedule(3, { layers: [0], tokens: TOKENS }) }),
    )
    const [dense, all] = [await run(model, inputsOf('right')), await run(pruned.model, inputsOf('right'))]
    expect(difference(numbers(all.logits), numbers(dense.logits))).toBeLessThan(1e-5)
  })

  for (const [name, positions] of [
    ['of the row before', (x: Tensor) => flatPositions(x, sub(largest, 1))],
    ['of rows of another length', (x: Tensor) => add(largest, mul(rowNumbers(x), sub(axisSize(x, 1), 1)))],
    ['of other rows', (x: Tensor) => add(largest, mul(add(rowNumbers(x), 1), axisSize(x, 1)))],
    ['of all rows', (x: Tensor) => add(largest, mul(unsqueeze(rowNumbers(x), [1]), axisSize(x, 1)))],
    ['from the end', (x: Tensor) => add(-1, mul(rowNumbers(x), axisSize(x, 1)))],
  ] as const) {
    test(`refuses flattened rows where the read position may be ${name}`, () => {
      const head = (x: Tensor): Tensor => classify(gather(flatten(x, 2), positions(x), 0))
      const model = decodeModel(emitModel({ logits: logitsOf({ ...plain, head }) }))
      expect(inspect(model)).toMatchObject({ ok: false, refusal: { code: 'TP_UNSUPPORTED_OP' } })
    })
  }

  test('may read both the class token and the last one', async () => {
    const built: Built = {
      ...plain,
      hide: (scores) => scores,
      pool: (x) => classify(add(gather(x, 0, 1), mul(gather(x, -1, 1), 0.5))),
    }
    const plan = { method: receivedAttention(), schedule: schedule(3, { layers: [0, 1], tokens: [4, 1] }) }
    const { input_ids } = inputsOf('none')
    expect(await expectHiddenKeys(built, plan, { input_ids })).toEqual([
      [0, 7],
      [0, 7],
      [0, 7],
    ])
  })
})
