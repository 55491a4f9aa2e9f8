import {
  add,
  axisSize,
  concat,
  constant,
  expand,
  gather,
  matmul,
  mul,
  pad,
  schedule,
  slice,
  softmax,
  type Tensor,
  topK,
} from '@tp/core'
import { applyOne, type Op, operators } from '@tp/core/expression'
import type { NamedTensors } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { decodeModel, type Model } from '@tp/onnx'
import { randomLayers, seeded } from 'exported-encoders'
import { expect, test } from 'vitest'
import { prune, transform } from '../src/index.ts'
import { encoder, plainEncoder } from './encoders.ts'
import { difference, int64, numbers, rows, run } from './run.ts'

const LENGTHS = [9, 4, 6]

/** Texts padded on one side to a common width. */
function texts(lengths: readonly number[], side: 'left' | 'right', width = Math.max(...lengths)): NamedTensors {
  const at = lengths.flatMap((length) =>
    Array.from({ length: width }, (_, i) => (side === 'right' ? i : i - (width - length))),
  )
  const isToken = at.map((position, i) => position >= 0 && position < (lengths[Math.floor(i / width)] as number))
  const ids = at.map((position, i) =>
    isToken[i] ? (position * 7 + (lengths[Math.floor(i / width)] as number)) % 29 : 1,
  )
  return {
    input_ids: int64([lengths.length, width], ids),
    attention_mask: int64([lengths.length, width], isToken.map(Number)),
  }
}

/**
 * Keeping all tokens changes nothing, on whichever side texts are padded. Pruned by half, a text alone gives what it gives in a batch.
 */
async function expectSound(model: Model): Promise<void> {
  const pruned = (options: { readonly keep: number } | { readonly tokens: number }): Model => {
    const amounts = schedule(2, { layers: [0, 1], ...options })
    return transform(model, prune({ method: receivedAttention(), schedule: amounts })).model
  }
  const whole = pruned({ tokens: 99 })
  for (const side of ['right', 'left'] as const) {
    const dense = numbers((await run(model, texts(LENGTHS, side))).logits)
    expect(difference(numbers((await run(whole, texts(LENGTHS, side))).logits), dense)).toBeLessThan(1e-5)
  }
  const half = pruned({ keep: 0.5 })
  const together = rows((await run(half, texts(LENGTHS, 'right'))).logits) as number[][]
  const dense = numbers((await run(model, texts(LENGTHS, 'right'))).logits)
  expect(difference(together.flat(), dense)).toBeGreaterThan(1e-4)
  for (const [i, length] of LENGTHS.entries()) {
    const alone = numbers((await run(half, texts([length], 'right'))).logits)
    expect(difference(alone, together[i] as number[])).toBeLessThan(1e-5)
  }
}

const hidden = plainEncoder.heads * plainEncoder.headDim
const { weight } = randomLayers(seeded(3))

test('a class token that is appended to the tokens, and to their mask by padding it, is followed', async () => {
  const token = weight([1, 1, hidden], 1)
  const options = {
    ...plainEncoder,
    mask: 'chosen' as const,
    readMask: (mask: Tensor) => pad(mask, [0, 0, 0, 1], 1),
    start: (x: Tensor) => concat([x, expand(token, [axisSize(x, 0), 1, hidden])], 1),
    head: (x: Tensor) => matmul(gather(x, -1, 1), weight([hidden, 3], 1)),
  }
  await expectSound(decodeModel(encoder(options)))
})

test('experts that are chosen by TopK for each token are followed', async () => {
  const experts = 4
  const gates = weight([hidden, experts], 1)
  const own = Array.from({ length: experts }, () => weight([hidden, hidden], 0.5))
  const gate = (x: Tensor): Tensor => {
    const shares = softmax(matmul(x, gates))
    const { values, indices } = topK(shares, 2)
    const chosen = applyOne(operators.get('ScatterElements') as Op, [mul(shares, 0), indices, values], { axis: 2 })
    return own
      .map((product, i) => mul(slice(chosen, { axis: 2, start: i, end: i + 1 }), matmul(x, product)))
      .reduce((sum, each) => add(sum, each))
  }
  await expectSound(decodeModel(encoder({ ...plainEncoder, pooling: 'masked mean', gate })))
})
