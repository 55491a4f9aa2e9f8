import { add, constant, div, gather, input, matmul, mean, mul, norm2, schedule, swapLast, type Tensor } from '@tp/core'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { decodeModel, emitModel, type Model } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { inspect, type NamedEncoder, prune, readProvenance, transform } from '../src/index.ts'
import { encoder, inputsOf, logitsOf, type TestEncoderOptions } from './encoders.ts'
import { pruned } from './pruned.ts'
import { difference, float32, numbers, run } from './run.ts'

const text: TestEncoderOptions = {
  ...{ layerCount: 2, heads: 2, headDim: 4, norm: 'post', mask: 'added', pooling: 'cls' },
  ...{ opset: 17, seed: 1, prefix: 'text_' },
}
const image: TestEncoderOptions = {
  ...text,
  layerCount: 3,
  norm: 'pre',
  mask: 'none',
  pooling: 'mean',
  seed: 5,
  prefix: 'picture_',
}
/** With a mask that is added to the scores as it is, and does not say which tokens are real. */
function biased(options: TestEncoderOptions): TestEncoderOptions {
  const { prefix = '' } = options
  const bias = input(`${prefix}bias`, 'float32', ['batch', `${prefix}sequence`])
  return { ...options, mask: 'added', readMask: () => add(1, mul(bias, 1e-4)) }
}

/** Two encoders, and how alike their results are, as in contrastive models. */
function twoEncoders(left: TestEncoderOptions, right: TestEncoderOptions): Model {
  const [a, b] = [logitsOf(left), logitsOf(right)]
  const unit = (x: Tensor): Tensor => div(x, norm2(x, 1, { keepDims: true }))
  return decodeModel(emitModel({ left: a, right: b, likeness: matmul(unit(a), swapLast(unit(b))) }))
}

const inputs = { ...inputsOf(text, 2, 8, 3), ...inputsOf(image, 2, 10, 4) }
const half = ({ layerCount }: NamedEncoder) => schedule(layerCount, { keep: 0.5 })
const method = receivedAttention()

describe('two encoders in one file', () => {
  const model = twoEncoders(text, image)

  test('finds both encoders, and names them by their inputs', () => {
    const found = inspect(model)
    if (!found.ok) throw new Error(found.refusal.message)
    expect(found.encoders).toEqual([
      { name: 'text_input_ids', layerCount: 2 },
      { name: 'picture_input_ids', layerCount: 3 },
    ])
    const other = inspect(model, { encoder: 'picture_input_ids' })
    expect([found.encoder, found.mask, found.classToken]).toEqual(['text_input_ids', 'text_attention_mask', 0])
    expect(other).toMatchObject({ ok: true, encoder: 'picture_input_ids', mask: undefined, classToken: undefined })
  })

  test('prunes each as it would be alone', async () => {
    const both = await run(pruned(model, { method, schedule: half }), inputs)
    const left = await run(pruned(decodeModel(encoder(text)), { method, schedule: half }), inputsOf(text, 2, 8, 3))
    const right = await run(pruned(decodeModel(encoder(image)), { method, schedule: half }), inputsOf(image, 2, 10, 4))
    expect(difference(numbers(both.left), numbers(left.logits))).toBeLessThan(1e-5)
    expect(difference(numbers(both.right), numbers(right.logits))).toBeLessThan(1e-5)
    expect(both.likeness?.dims).toEqual([2, 2])
  })

  test('shows which tokens each keeps where the file fixes the number of tokens of the first', async () => {
    const fixed = { ...image, sizes: [2, 10] } as const
    const both = await run(pruned(twoEncoders(fixed, text), { method, schedule: half, trace: true }), inputs)
    const alone = pruned(decodeModel(encoder(fixed)), { method, schedule: half, trace: true })
    const right = await run(alone, inputsOf(image, 2, 10, 4))
    expect(both['tp.trace.picture_input_ids.1.indices']).toEqual(right['tp.trace.1.indices'])
    expect(both['tp.trace.text_input_ids.1.indices']?.dims).toEqual([2, 4])
    expect(difference(numbers(both.left), numbers(right.logits))).toBeLessThan(1e-5)
  })

  test('can be pruned one at a time, with methods of their own', async () => {
    const first = pruned(model, { method: clsAttention(), schedule: half, encoder: 'text_input_ids', trace: true })
    const second = pruned(first, { method, schedule: half, encoder: 'picture_input_ids', trace: true })
    const [dense, one, two] = [await run(model, inputs), await run(first, inputs), await run(second, inputs)]
    expect(difference(numbers(one.right), numbers(dense.right))).toBeLessThan(1e-6)
    expect(difference(numbers(two.left), numbers(one.left))).toBeLessThan(1e-6)
    const right = await run(pruned(decodeModel(encoder(image)), { method, schedule: half }), inputsOf(image, 2, 10, 4))
    expect(difference(numbers(two.right), numbers(right.logits))).toBeLessThan(1e-5)
    expect(readProvenance(second).map(({ encoder, method: name }) => [encoder, name])).toEqual([
      ['text_input_ids', 'cls-attention'],
      ['picture_input_ids', 'received-attention'],
    ])
    // the last layer of the text encoder computes no more than the class token
    expect(
      Object.keys(two)
        .filter((name) => name.startsWith('tp.'))
        .sort(),
    ).toEqual(
      [
        'tp.trace.1.indices',
        'tp.trace.1.valid',
        ...['indices', 'valid'].map((what) => `tp.trace.picture_input_ids.1.${what}`),
        'tp.trace.2.indices',
        'tp.trace.2.valid',
      ].sort(),
    )
  })

  test('refuses an unknown name', () => {
    expect(() => transform(model, prune({ method, schedule: half, encoder: 'sound' }))).toThrow(
      'no encoder sound; it has text_input_ids (2 layers), picture_input_ids (3 layers)',
    )
  })

  test('refuses a method that does not suit one of them, with its name', () => {
    expect(() => transform(model, prune({ method: clsAttention(), schedule: half }))).toThrow('picture_input_ids')
  })
})

describe('an encoder that cannot be pruned', () => {
  const model = twoEncoders(biased(text), image)
  const { text_attention_mask: _, ...others } = inputs
  const fed = { ...others, text_bias: float32([2, 8], new Array<number>(16).fill(1)) }

  test('names the encoder with its reason, and prunes the other', async () => {
    const found = inspect(model)
    expect(found.ok && found.encoder).toBe('picture_input_ids')
    expect(found.ok && found.encoders[0]).toMatchObject({ name: 'text_input_ids', refusal: { code: 'TP_MASK' } })
    const [dense, now] = [await run(model, fed), await run(pruned(model, { method, schedule: half }), fed)]
    const right = await run(pruned(decodeModel(encoder(image)), { method, schedule: half }), inputsOf(image, 2, 10, 4))
    expect(difference(numbers(now.left), numbers(dense.left))).toBeLessThan(1e-6)
    expect(difference(numbers(now.right), numbers(right.logits))).toBeLessThan(1e-5)
  })

  test('refuses with the reason of the first where there are two', () => {
    expect(() => transform(twoEncoders(biased(text), biased(image)), prune({ method, schedule: half }))).toThrow(
      expect.objectContaining({ code: 'TP_MASK' }),
    )
  })
})

test('encoders that read the same input have names of their own', () => {
  const found = inspect(twoEncoders(text, { ...text, seed: 7 }))
  expect(found.ok && found.encoders.map(({ name }) => name)).toEqual(['text_input_ids', 'text_input_ids.2'])
})

test('several heads on one encoder get what each would get alone', async () => {
  const classes = (x: Tensor): Tensor =>
    matmul(
      x,
      constant(
        Array.from({ length: 16 }, (_, i) => Math.cos(i)),
        'float32',
        [8, 2],
      ),
    )
  const heads = {
    class: (x: Tensor) => classes(gather(x, 0, 1)),
    second: (x: Tensor) => classes(gather(x, 1, 1)),
    mean: (x: Tensor) => classes(mean(x, 1)),
    tokens: classes,
  }
  const modelOf = (names: readonly (keyof typeof heads)[]): Model => {
    let last: Tensor | undefined
    logitsOf({ ...text, head: (x) => (last = x) })
    return decodeModel(emitModel(Object.fromEntries(names.map((name) => [name, heads[name](last as Tensor)]))))
  }
  const feeds = inputsOf(text, 2, 8, 3)
  for (const [names, restore] of [
    [['class', 'second', 'mean'], 'none'],
    [['class', 'tokens', 'mean'], 'all'],
    [['tokens', 'class'], 'auto'],
  ] as const) {
    const options = { method, schedule: schedule(2, { layers: [0, 1], keep: 0.5 }), restore, protect: [0, 1] }
    const together = await run(pruned(modelOf(names), options), feeds)
    for (const name of names) {
      const alone = await run(
        pruned(modelOf([name]), { ...options, ...(restore === 'auto' && { restore: 'all' }) }),
        feeds,
      )
      expect(together[name]?.dims).toEqual(alone[name]?.dims)
      expect(difference(numbers(together[name]), numbers(alone[name])), name).toBeLessThan(1e-5)
    }
  }
})
