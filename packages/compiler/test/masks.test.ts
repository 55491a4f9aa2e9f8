import {
  add,
  axisSize,
  cast,
  clip,
  concat,
  constant,
  cumSum,
  div,
  equal,
  expand,
  fill,
  input,
  less,
  matmul,
  max,
  mean,
  mul,
  not,
  range,
  reshape,
  schedule,
  slice,
  squeeze,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, emitModel } from '@tp/onnx'
import { inTurn } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspect } from '../src/index.ts'
import { logitsOf } from './encoders.ts'
import { type Built, expectHiddenKeys } from './hidden-keys.ts'
import { int64 } from './run.ts'

const [ROWS, TOKENS, PAD] = [3, 9, 1]
const ids = input('input_ids', 'int64', ['batch', 'sequence'])
const count = axisSize(ids, 1)
/** Rows of a table for 3 classes. */
const classes = constant(
  Array.from({ length: 24 }, (_, i) => Math.sin(i)),
  'float32',
  [8, 3],
)

/** The mark of real tokens: [b,n], truth values or numbers. */
interface Marks {
  readonly name: string
  readonly attended: Tensor
  readonly feeds: (attended: readonly (readonly boolean[])[]) => NamedTensors
}

const positions = unsqueeze(range(0, squeeze(count, [0])), [0])
const lengths = input('lengths', 'int64', ['batch'])
const attentionMask = input('attention_mask', 'int64', ['batch', 'sequence'])
const firstMask = input('first_mask', 'int64', ['batch', 1])
const padding = input('padding', 'bool', ['batch', 'sequence'])
const samples = input('samples', 'int64', ['batch', 'sequence', 4])

const list = (attended: readonly (readonly boolean[])[], number: (attended: boolean) => number): TensorLike =>
  int64(
    [ROWS, TOKENS],
    attended.flatMap((row) => row.map(number)),
  )

const marks: readonly Marks[] = [
  {
    name: 'lengths',
    attended: less(positions, unsqueeze(lengths, [1])),
    feeds: (attended) => ({
      lengths: int64(
        [ROWS],
        attended.map((row) => row.filter(Boolean).length),
      ),
    }),
  },
  { name: 'token numbers that are not 1', attended: not(equal(ids, PAD)), feeds: () => ({}) },
  {
    name: 'a mask with 1 for padding',
    attended: sub(1, attentionMask),
    feeds: (attended) => ({ attention_mask: list(attended, (is) => (is ? 0 : 1)) }),
  },
  {
    name: 'truth values for padding',
    attended: not(padding),
    feeds: (attended) => ({
      padding: {
        type: 'bool',
        dims: [ROWS, TOKENS],
        data: Uint8Array.from(attended.flatMap((row) => row.map((is) => (is ? 0 : 1)))),
      },
    }),
  },
  {
    name: 'a mask for several samples of each token',
    attended: max(samples, 2),
    feeds: (attended) => ({
      samples: int64(
        [ROWS, TOKENS, 4],
        attended.flatMap((row) => row.flatMap((is) => (is ? [0, 1, 1, 0] : [0, 0, 0, 0]))),
      ),
    }),
  },
  {
    name: 'a mask joined from ones and an input',
    attended: concat([fill(1, 'int64', [axisSize(ids, 0), 1]), slice(attentionMask, { axis: 1, start: 1 })], 1),
    feeds: (attended) => ({ attention_mask: list(attended, Number) }),
  },
  {
    name: 'a mask joined from two inputs',
    attended: concat([firstMask, slice(attentionMask, { axis: 1, start: 1 })], 1),
    feeds: (attended) => ({
      first_mask: int64(
        [ROWS, 1],
        attended.map(([is]) => Number(is)),
      ),
      attention_mask: list(attended, Number),
    }),
  },
  { name: 'a plain mask', attended: attentionMask, feeds: (attended) => ({ attention_mask: list(attended, Number) }) },
]

/** How padding is hidden. */
const hidings: Readonly<Record<string, (attended: Tensor) => (scores: Tensor) => Tensor>> = {
  chosen: (attended) => (scores) => where(cast(unsqueeze(attended, [1, 2]), 'bool'), scores, -1e9),
  added: (attended) => (scores) => add(scores, mul(sub(1, unsqueeze(cast(attended, 'float32'), [1, 2])), -1e5)),
  'added whole': (attended) => (scores) => {
    const size = [axisSize(ids, 0), constant([1], 'int64'), count, count]
    const whole = expand(unsqueeze(cast(attended, 'float32'), [1, 2]), concat(size, 0))
    return add(scores, mul(sub(1, whole), -1e5))
  },
}

/** How the mean over real tokens is written. */
const poolings: Readonly<Record<string, (x: Tensor, attended: Tensor) => Tensor>> = {
  'sum over count': (x, attended) => {
    const weight = cast(unsqueeze(attended, [2]), 'float32')
    return div(sum(mul(x, weight), 1), clip(sum(weight, 1), 1e-9))
  },
  'sum over a count of integers': (x, attended) => {
    const hidden = unsqueeze(not(cast(attended, 'bool')), [2])
    return div(sum(where(hidden, 0, x), 1), cast(reshape(sum(cast(attended, 'int64'), 1), [-1, 1]), 'float32'))
  },
  'weights that sum to 1': (x, attended) => {
    const weight = cast(attended, 'float32')
    const shares = div(weight, sum(weight, 1, { keepDims: true }))
    return squeeze(matmul(unsqueeze(shares, [1]), x), [1])
  },
  expanded: (x, attended) => {
    const weight = cast(
      expand(unsqueeze(attended, [2]), concat([axisSize(x, 0), axisSize(x, 1), constant([8], 'int64')], 0)),
      'float32',
    )
    return div(sum(mul(x, weight), 1), clip(sum(weight, 1), 1e-9))
  },
}

const plain = {
  layerCount: 3,
  heads: 2,
  headDim: 4,
  norm: 'post',
  mask: 'none',
  pooling: 'none',
  opset: 17,
  seed: 5,
} as const
const shapes: Readonly<Record<string, (row: number, token: number) => boolean>> = {
  right: (row, token) => token < TOKENS - 3 * row,
  holes: (row, token) => (token + row) % 4 !== 1 || token === 0,
}

describe.each(marks.map((mark, row) => ({ ...mark, row })))(
  'real tokens are marked by $name',
  ({ row: mark, name, attended, feeds }) => {
    const build = (hiding: string, pooling: string): Built => ({
      ...plain,
      hide: hidings[hiding]?.(attended) as Built['hide'],
      pool: (x, left) => {
        const pooled = left === undefined ? cast(attended, 'int64') : mul(cast(attended, 'int64'), left)
        return matmul(poolings[pooling]?.(x, left === undefined ? attended : pooled) as Tensor, classes)
      },
    })
    const inputs = (shape: string): NamedTensors => {
      const isAttended = Array.from({ length: ROWS }, (_, row) =>
        Array.from({ length: TOKENS }, (_, token) => shapes[shape]?.(row, token) === true),
      )
      const numbers = isAttended.flatMap((row, b) =>
        row.map((is, token) => (is ? 2 + ((7 * token + 5 * b) % 28) : PAD)),
      )
      return { input_ids: int64([ROWS, TOKENS], numbers), ...feeds(isAttended) }
    }
    const forms = [
      ...Object.keys(hidings).map((hiding) => [hiding, 'sum over count'] as const),
      ...Object.keys(poolings).map((pooling) => ['added', pooling] as const),
    ]
    for (const [i, [hiding, pooling]] of inTurn([...forms.entries()], mark, 2)) {
      const shape = name === 'lengths' || i % 2 === 0 ? 'right' : 'holes'
      for (const amounts of inTurn([{ keep: 0.6 }, { mass: 0.7 }], mark + i, 1)) {
        test(`${hiding}, mean as ${pooling}, padding ${shape}, ${JSON.stringify(amounts)}`, async () => {
          const plan = { method: receivedAttention(), schedule: schedule(3, { layers: [0, 1], ...amounts }) }
          const kept = await expectHiddenKeys(build(hiding, pooling), plan, inputs(shape))
          for (const [row, tokens] of kept.entries()) {
            expect(tokens.every((token) => shapes[shape]?.(row, token))).toBe(true)
          }
        })
      }
    }
  },
)

test('finds a mask that is rebuilt for the pooling from the shape of the states and lengths', async () => {
  const hide = hidings.added?.(less(positions, unsqueeze(lengths, [1]))) as Built['hide']
  const built: Built = {
    ...plain,
    hide,
    pool: (x, left) => {
      // A running sum of ones: positions from 1.
      const ones = expand(constant([1], 'int64'), concat([axisSize(x, 0), axisSize(x, 1)], 0))
      const attended = less(sub(cumSum(ones, 1), 1), unsqueeze(lengths, [1]))
      const weight = cast(left === undefined ? attended : mul(cast(attended, 'int64'), left), 'float32')
      return matmul(div(sum(mul(x, unsqueeze(weight, [2])), 1), sum(weight, 1, { keepDims: true })), classes)
    },
  }
  const inputs = {
    input_ids: int64(
      [ROWS, TOKENS],
      Array.from({ length: ROWS * TOKENS }, (_, i) => (11 * i) % 30),
    ),
    lengths: int64([ROWS], [9, 5, 7]),
  }
  const plan = { method: receivedAttention(), schedule: schedule(3, { layers: [0, 1], keep: 0.5 }) }
  await expectHiddenKeys(built, plan, inputs)
})

test('names the masks of layers that have masks of their own', () => {
  const byLength = hidings.added?.(less(positions, unsqueeze(lengths, [1]))) as Built['hide']
  const byMark = hidings.added?.(cast(attentionMask, 'bool')) as Built['hide']
  let layers = 0
  const hide: Built['hide'] = (scores) => (layers++ === 0 ? byLength : byMark)(scores)
  const model = decodeModel(emitModel({ logits: logitsOf({ ...plain, hide, pooling: 'cls' }) }))
  expect(inspect(model)).toMatchObject({
    ok: false,
    refusal: {
      code: 'TP_MASK',
      message: expect.stringMatching(/layer 0 by \S+, layer 1 by attention_mask; prune the model as/),
    },
  })
})

test('refuses lengths without a value for each token in between', () => {
  const scale = mean(cast(unsqueeze(lengths, [1]), 'float32'), 1, { keepDims: true })
  const model = emitModel({
    logits: logitsOf({ ...plain, hide: (scores) => add(scores, unsqueeze(scale, [2, 3])), pooling: 'mean' }),
  })
  expect(inspect(decodeModel(model))).toMatchObject({ ok: false, refusal: { code: 'TP_MASK' } })
})
