// Attention whose examples, heads and tokens are laid out in other orders than [b,h,n,d]: packed, it gives what it gives padded.
import {
  add,
  axisSize,
  cast,
  div,
  expand,
  matmul,
  mul,
  reshape,
  slice,
  softmax,
  squeeze,
  swapLast,
  type Tensor,
  tanh,
  tile,
  transpose,
} from '@tp/core'
import { type Attend, attentionSizes, encoderWithHead, type HeadInput, tokensFirstEncoder } from 'exported-encoders'
import { expect, test } from 'vitest'
import { describeNative } from './native.ts'
import { requireSameAnswers } from './packed-answers.ts'

const { heads, headDim } = attentionSizes
const hidden = heads * headDim

/** A function of the scores that no attention over packed tokens computes: it is computed over padded ones. */
type Scores = (scores: Tensor) => Tensor
const plain: Scores = (scores) => scores
const capped: Scores = (scores) => mul(tanh(scores), 2)

const added = (isPadding: Tensor): Tensor => mul(cast(isPadding, 'float32'), -1e9)

/** [h·b,n,d]: rows of the first head of all examples, then those of the second. */
function headsFirst(by: Scores): Attend {
  return ({ x, isPadding, linear }) => {
    const [batch, tokens] = [axisSize(x, 0), axisSize(x, 1)]
    const apart = (): Tensor =>
      reshape(transpose(reshape(linear(x, hidden), [batch, tokens, heads, headDim]), [2, 0, 1, 3]), [
        -1,
        tokens,
        headDim,
      ])
    const [query, key, value] = [apart(), apart(), apart()]
    const scores = by(div(matmul(query, swapLast(key)), Math.sqrt(headDim)))
    const hiding = tile(squeeze(added(isPadding), [1]), [heads, 1, 1])
    const context = matmul(softmax(add(scores, hiding)), value)
    const together = transpose(reshape(context, [heads, batch, tokens, headDim]), [1, 2, 0, 3])
    return linear(reshape(together, [batch, tokens, hidden]), hidden)
  }
}

/** Products of [n,b,D] and of [n·b,D], as PyTorch's own MultiheadAttention has them. */
function tokensFirst(by: Scores): Attend {
  return ({ x, isPadding, linear }) => {
    const [batch, tokens] = [axisSize(x, 0), axisSize(x, 1)]
    const turned = transpose(x, [1, 0, 2])
    const byHead = mul(batch, heads)
    const apart = (): Tensor => {
      const split = transpose(reshape(linear(turned, hidden), [tokens, byHead, headDim]), [1, 0, 2])
      return reshape(split, [batch, heads, tokens, headDim])
    }
    const [query, key, value] = [apart(), apart(), apart()]
    const repeated = expand(added(isPadding), [batch, heads, 1, tokens])
    const hiding = reshape(reshape(repeated, [byHead, 1, tokens]), [batch, heads, 1, tokens])
    const scores = by(div(matmul(query, swapLast(key)), Math.sqrt(headDim)))
    const context = transpose(matmul(softmax(add(scores, hiding)), value), [2, 0, 1, 3])
    const flat = linear(reshape(context, [mul(batch, tokens), hidden]), hidden)
    return transpose(reshape(flat, [tokens, batch, hidden]), [1, 0, 2])
  }
}

/** Keys and values of one head for the queries of all: multi-query attention (Shazeer 2019). */
const multiQuery: Attend = ({ x, isPadding, linear }) => {
  const [batch, tokens] = [axisSize(x, 0), axisSize(x, 1)]
  const apart = (count: number): Tensor =>
    transpose(reshape(linear(x, count * headDim), [batch, tokens, count, headDim]), [0, 2, 1, 3])
  const [query, key, value] = [apart(heads), apart(1), apart(1)]
  const scores = add(div(matmul(query, swapLast(key)), Math.sqrt(headDim)), added(isPadding))
  return linear(reshape(transpose(matmul(softmax(scores), value), [0, 2, 1, 3]), [batch, tokens, hidden]), hidden)
}

/** States that are sliced to their own tokens, as LUKE takes those of words of all that it attends to. */
const sliced: Attend = (around) => slice(tokensFirst(plain)(around), { axis: 1, start: 0, end: axisSize(around.x, 1) })

const every = ({ x, mask }: HeadInput): Tensor => mul(x, mask)
/** [n,b,D] */
const byToken = ({ x, mask, linear }: HeadInput): Tensor => transpose(mul(linear(x, hidden), mask), [1, 0, 2])
/** [n·b,D] */
const inOneAxis = (input: HeadInput): Tensor => reshape(byToken(input), [-1, hidden])
/** [n,b·2,D/2] */
const inHalves = (input: HeadInput): Tensor => {
  const whole = byToken(input)
  return reshape(whole, [axisSize(whole, 0), -1, hidden / 2])
}

const layouts: Readonly<Record<string, readonly [Attend, packed: number]>> = {
  'heads first': [headsFirst(plain), 0],
  'heads first, and computed over padded tokens': [headsFirst(capped), 0],
  'one head of keys, and computed over padded tokens': [multiQuery, 0],
  'sliced to the number of its tokens': [sliced, 2],
  'tokens first': [tokensFirst(plain), 2],
  'tokens first, and computed over padded tokens': [tokensFirst(capped), 0],
}

describeNative('a packed attention', () => {
  test.each(Object.entries(layouts))('gives what it gives padded: %s', async (_, [attend, packed]) => {
    expect(await requireSameAnswers(encoderWithHead(every, { attend }))).toBe(packed)
  })

  test('gives what it gives padded where the number of tokens is computed', async () => {
    expect(await requireSameAnswers(encoderWithHead(every, { learned: true }))).toBe(2)
  })

  test.each(Object.entries({ '[n,b,D]': byToken, '[n·b,D]': inOneAxis, '[n,b·2,D/2]': inHalves }))(
    'gives outputs with tokens first: %s',
    async (_, head) => {
      await requireSameAnswers(encoderWithHead(head))
    },
  )

  test.each(['pre', 'post'] as const)(
    'gives what it gives padded where the stream has tokens first, %s-norm, and is read whole',
    async (norm) => {
      expect(await requireSameAnswers(tokensFirstEncoder({ norm, head: 'every token', isCapped: true }))).toBe(0)
    },
  )
})
