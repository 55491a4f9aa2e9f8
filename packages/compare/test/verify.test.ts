import { readFileSync } from 'node:fs'
import { inspect, prune, quantize, roundsByBatch, transform } from '@tp/compiler'
import { abs, add, cast, input, mean, mul, neg, none, type Schedule, schedule, scorer, sub, sum } from '@tp/core'
import type { NamedTensors, Session } from '@tp/core/runtime'
import { modelPath } from '@tp/models'
import { decodeModel, emitModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { describe, expect, test } from 'vitest'
import { trialsFor, verifyInvariance, verifyQuantized, verifySame } from '../src/index.ts'
import { inputRoles } from '../src/inputs/input-shapes.ts'

const runtime = nodeRuntime()
const source = decodeModel(readFileSync(modelPath('mail')))
const dense = await runtime.load(modelPath('mail'))

/** A session whose outputs are changed on the way. */
function changing(session: Session, change: (outputs: NamedTensors, inputs: NamedTensors) => NamedTensors): Session {
  return { ...session, run: async (inputs, options) => change(await session.run(inputs, options), inputs) }
}

/** Logits of all rows but the longest. */
function spoilShort(value: number): (outputs: NamedTensors, inputs: NamedTensors) => NamedTensors {
  return ({ logits }, { attention_mask: mask }) => {
    if (logits === undefined || mask === undefined) throw new Error('not the mail model')
    const data = Float32Array.from(logits.data as Float32Array)
    const [rows = 1, tokens = 1] = mask.dims
    for (let row = 0; row < rows; row++) {
      const isPadded = Array.from(mask.data.slice(row * tokens, (row + 1) * tokens), Number).includes(0)
      if (isPadded) data.fill(value, 2 * row, 2 * row + 2)
    }
    return { logits: { ...logits, data } }
  }
}

describe('trials of a text encoder', () => {
  const trials = trialsFor(source, inputRoles(source))

  test('hold every example alone, in a batch where lengths are equal, and padded on either side', () => {
    expect(trials.map(({ arrangement, examples }) => [arrangement, examples.length])).toEqual([
      ...Array.from({ length: 5 }, () => ['alone', 1]),
      ['in a batch', 2],
      ['padded right', 5],
      ['padded left', 5],
    ])
  })

  test('have the same tokens at the end of a row that is padded on the left', () => {
    const { inputs: left = {}, examples = [] } = trials.at(-1) ?? {}
    const [shortest] = examples.filter(({ length }) => length === 3)
    const alone = trials.find(({ examples: [only] }) => only?.example === shortest?.example)
    const row = left.input_ids?.data.slice(4 * 16, 5 * 16)
    expect(row?.slice(13)).toEqual(alone?.inputs.input_ids?.data)
    expect(left.attention_mask?.data.slice(4 * 16, 5 * 16)).toEqual(
      BigInt64Array.from([...Array(13).fill(0), 1, 1, 1], BigInt),
    )
  })
})

test('the mask of a recording has an entry for each sample, whatever its axis is called', () => {
  const samples = input('input_values', 'float32', ['batch', 'samples'])
  const mask = input('attention_mask', 'int64', ['batch', 'sequence'])
  const model = decodeModel(emitModel({ loudness: mul(mean(samples, 1), mean(cast(mask, 'float32'), 1)) }))
  const [trial] = trialsFor(model, inputRoles(model))
  expect(trial?.inputs.attention_mask?.dims).toEqual(trial?.inputs.input_values?.dims)
})

describe('verifySame', () => {
  test('says in which arrangements a lossless model answers as its source', async () => {
    const result = transform(source, prune({ method: none(), schedule: new Map() }))
    await using changed = await runtime.load(encodeModel(result.model))
    const { difference, arrangements } = await verifySame({ source, dense, changed })
    expect(difference).toBeLessThan(1e-5)
    // The class token is at position 0, which is padding in a row that is padded on the left.
    expect(arrangements).toEqual(['alone', 'in a batch', 'padded right'])
  })

  test('refuses a model that is wrong in padded rows alone', async () => {
    await expect(verifySame({ source, dense, changed: changing(dense, spoilShort(0.5)) })).rejects.toMatchObject({
      code: 'TP_VERIFY',
      message: expect.stringMatching(/example \d padded right differs from the source by/),
    })
  })

  test('refuses a model that gives NaN in padded rows alone', async () => {
    await expect(verifySame({ source, dense, changed: changing(dense, spoilShort(Number.NaN)) })).rejects.toMatchObject(
      {
        code: 'TP_VERIFY',
        message: expect.stringContaining('output "logits" is NaN'),
      },
    )
  })

  test('expects minus infinity where the source has it, and nowhere else', async () => {
    const hidden = changing(dense, spoilShort(Number.NEGATIVE_INFINITY))
    await expect(verifySame({ source, dense: hidden, changed: hidden })).resolves.toMatchObject({ difference: 0 })
    await expect(verifySame({ source, dense: hidden, changed: dense })).rejects.toMatchObject({ code: 'TP_VERIFY' })
    await expect(verifySame({ source, dense, changed: hidden })).rejects.toMatchObject({
      code: 'TP_VERIFY',
      message: expect.stringContaining('output "logits" is -Infinity'),
    })
  })

  test('refuses a row of padding that is 0 in the source and not in the changed model', async () => {
    const withRows = (atPadding: number): Session =>
      changing(dense, (outputs, { attention_mask: mask }) => {
        const real = Array.from(mask?.data as BigInt64Array, Number)
        const data = Float32Array.from(real, (isReal) => (isReal === 1 ? 0.5 : atPadding))
        return { ...outputs, vectors: { type: 'float32', dims: [...(mask?.dims ?? []), 1], data } }
      })
    await expect(verifySame({ source, dense: withRows(0), changed: withRows(0) })).resolves.toBeDefined()
    await expect(verifySame({ source, dense: withRows(0.1), changed: withRows(0.2) })).resolves.toBeDefined()
    await expect(verifySame({ source, dense: withRows(0), changed: withRows(0.2) })).rejects.toMatchObject({
      code: 'TP_VERIFY',
      message: expect.stringMatching(/output "vectors" is 0.2\d* at padding, where the source has 0/),
    })
  })

  test('blames the source where it is not finite itself', async () => {
    const broken = changing(dense, spoilShort(Number.NaN))
    await expect(verifySame({ source, dense: broken, changed: dense })).rejects.toMatchObject({ code: 'TP_DENSE' })
  })

  test('holds a file in 8 bits to what its own answers change by', async () => {
    const eightBits = decodeModel(readFileSync(modelPath('mail', 'int8')))
    await using session = await runtime.load(modelPath('mail', 'int8'))
    const { quantized } = await verifySame({ source: eightBits, dense: session, changed: session })
    expect(quantized?.distance).toBe(0)
    expect(quantized?.own).toBeGreaterThan(1e-4)
    await expect(
      verifySame({ source: eightBits, dense: session, changed: changing(session, spoilShort(5)) }),
    ).rejects.toMatchObject({ code: 'TP_VERIFY', message: expect.stringContaining('rounding in 8 bits') })
  })
})

test('verifyQuantized refuses a file whose padded rows are far from those alone', async () => {
  await using changed = await runtime.load(modelPath('mail', 'int8'))
  const { distances } = await verifyQuantized({ source, dense, changed })
  expect(Object.keys(distances)).toEqual(['alone', 'in a batch', 'padded right'])
  await expect(verifyQuantized({ source, dense, changed: changing(changed, spoilShort(100)) })).rejects.toMatchObject({
    code: 'TP_VERIFY',
    message: expect.stringMatching(/^\[compare\].* padded right, outputs/),
  })
})

test('verifyQuantized holds a file that rounds each token by itself to the answers that it gives alone', async () => {
  const own = async (activations: 'token' | 'tensor') => {
    const { model } = transform(source, quantize({ activations }))
    return { model, session: await runtime.load(encodeModel(model)) }
  }
  await using token = (await own('token')).session
  expect((await verifyQuantized({ source, dense, changed: token, roundsByBatch: false })).own).toBe(0)
  const { model, session } = await own('tensor')
  await using tensor = session
  expect(roundsByBatch(model)).toBe(true)
  expect((await verifyQuantized({ source, dense, changed: tensor })).own).toBeGreaterThan(1e-4)
  await expect(verifyQuantized({ source, dense, changed: tensor, roundsByBatch: false })).rejects.toMatchObject({
    code: 'TP_VERIFY',
    message: expect.stringMatching(/answers differ from those alone by .* although each token is rounded by itself/),
  })
})

describe('verifyInvariance', () => {
  const amount: Schedule = schedule(6, { keep: 0.6, layers: [2] })

  async function pruned(score: Parameters<typeof scorer>[0]['score']): Promise<Session> {
    const method = scorer({ name: 'mine', family: 'attention', score })
    const result = transform(source, prune({ method, schedule: amount, trace: 'scores' }))
    return runtime.load(encodeModel(result.model as Model))
  }

  test('counts the examples that were compared', async () => {
    await using session = await pruned((site) => site.received)
    expect(await verifyInvariance({ source, dense, pruned: session, where: 'mine' })).toEqual({
      'in a batch': 4,
      'padded right': 10,
    })
  })

  test('refuses a method that reads other examples', async () => {
    await using session = await pruned((site) => mul(site.received, mean(site.received, 0, { keepDims: true })))
    await expect(verifyInvariance({ source, dense, pruned: session, where: 'mine' })).rejects.toMatchObject({
      code: 'TP_VERIFY',
      message: expect.stringMatching(/\[mine\] \d of 4 examples get other answers in a batch than alone/),
    })
  })

  describe('where rows of pruned tokens are left out', async () => {
    const embedder = decodeModel(readFileSync(modelPath('mail')))
    const graph = new Graph(embedder)
    const found = inspect(embedder)
    const states = found.ok ? (found.layers.at(-1)?.output as string) : ''
    for (const { name } of graph.outputs) graph.removeOutput(name)
    graph.addOutput(states, 'float32', ['batch', 'sequence', 128])
    graph.removeDeadNodes()
    const whole = await runtime.load(encodeModel(embedder))
    const compact = async (score: Parameters<typeof scorer>[0]['score']): Promise<Session> => {
      const method = scorer({ name: 'mine', family: 'attention', score })
      const { model } = transform(embedder, prune({ method, schedule: amount, restore: 'none' }))
      return runtime.load(encodeModel(model))
    }

    test('compares the rows of real tokens, which the mask shows', async () => {
      await using session = await compact((site) => site.received)
      expect(await verifyInvariance({ source: embedder, dense: whole, pruned: session, where: 'mine' })).toEqual({
        'in a batch': 4,
        'padded right': 10,
      })
    })

    test('refuses a method that keeps others of them next to padding', async () => {
      // Those are kept that are as far from the start as padding is long.
      await using session = await compact(({ position, padding }) =>
        neg(abs(sub(position, add(sum(cast(padding, 'float32'), 1, { keepDims: true }), 2)))),
      )
      await expect(
        verifyInvariance({ source: embedder, dense: whole, pruned: session, where: 'mine' }),
      ).rejects.toMatchObject({ code: 'TP_VERIFY', message: expect.stringContaining('padded right than alone') })
    })
  })
})
