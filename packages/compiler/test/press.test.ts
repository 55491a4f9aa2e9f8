import { readFileSync } from 'node:fs'
import { type Amount, type Method, mul, none, random, streaming } from '@tp/core'
import { amountKinds, amountRules, keptCount } from '@tp/core/host'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { keyDiff, keyNorm, receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, type Model } from '@tp/onnx'
import { type DecoderName, decoderFeeds, decoderPath } from 'exported-decoders'
import { openModel, runModel } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { type PressOptions, press } from '../src/index.ts'

const open = (name: DecoderName): Model => decodeModel(readFileSync(decoderPath(name)))
const half = { kind: 'ratio', value: 0.5 } as const

function pressOf(model: Model, options: PressOptions): Uint8Array {
  const result = press(model, options)
  return result
}

/** The outputs of a decoder for a prompt besides logits. */
async function caches(model: Model, batch = 1, tokens = 12): Promise<NamedTensors> {
  const { logits: _, ...present } = await runModel(model, decoderFeeds(model, { batch, tokens }))
  return present
}

/** Rows [d] of every head of a cache [b,g,n,d]. */
function heads({ data, dims }: TensorLike): number[][][] {
  const [batch = 0, groups = 0, tokens = 0, size = 0] = dims
  const row = (head: number, token: number): number[] =>
    [...(data as Float32Array)].slice((head * tokens + token) * size, (head * tokens + token + 1) * size)
  return Array.from({ length: batch * groups }, (_, head) =>
    Array.from({ length: tokens }, (_, token) => row(head, token)),
  )
}

test.each(
  amountKinds.map((kind) => ({ kind, value: amountRules[kind].example })).filter((amount) => keptCount(12, amount)),
)('keeps as many tokens as the rule says: $kind $value', async (amount) => {
  const model = open('llama')
  const kept = await runModel(pressOf(model, { method: keyNorm(), amount }), await caches(model))
  expect(kept['past_key_values.0.key']?.dims[2]).toBe(keptCount(12, amount))
})

describe.each(['llama', 'falcon', 'phi', 'qwen3'] as const)('%s', (name) => {
  test('keeps all caches as they are where all tokens are kept', async () => {
    const model = open(name)
    const present = await caches(model, 2)
    const kept = await runModel(pressOf(model, { method: keyNorm(), amount: { kind: 'ratio', value: 1 } }), present)
    expect(Object.keys(kept)).toHaveLength(Object.keys(present).length)
    for (const [past, cache] of Object.entries(kept)) {
      expect(cache, past).toEqual(present[past.replace('past_key_values', 'present')])
    }
  })

  test('keeps of each head the tokens that score highest, in order, keys and values alike', async () => {
    const model = open(name)
    const present = await caches(model, 2)
    const kept = await runModel(pressOf(model, { method: keyNorm(), amount: half }), present)
    for (const layer of [0, 1]) {
      const [keys, values] = ['key', 'value'].map((kind) => heads(present[`present.${layer}.${kind}`] as TensorLike))
      const expected = (keys as number[][][]).map((rows) => {
        const norms = rows.map((row) => Math.hypot(...row))
        const least = [...norms.keys()].sort((a, b) => (norms[a] as number) - (norms[b] as number))
        return least.slice(0, 6).sort((a, b) => a - b)
      })
      const [ownKeys, ownValues] = ['key', 'value'].map((kind) =>
        heads(kept[`past_key_values.${layer}.${kind}`] as TensorLike),
      )
      const take = (all: number[][][] | undefined): number[][][] | undefined =>
        all?.map((rows, head) => (expected[head] as number[]).map((token) => rows[token] as number[]))
      expect(ownKeys).toEqual(take(keys))
      expect(ownValues).toEqual(take(values))
    }
  })
})

test('a decoder goes on from pressed caches, with the positions that its tokens have', async () => {
  const model = open('llama')
  const present = await caches(model)
  await using decoder = await openModel(model)
  const answers: number[][] = []
  for (const method of [none(), streaming({ sinks: 2 }), keyDiff(), random()]) {
    const kept = await runModel(pressOf(model, { method, amount: half }), present)
    const size = kept['past_key_values.0.key']?.dims[2] as number
    const integers = (values: number[]): TensorLike => ({
      type: 'int64',
      dims: [1, values.length],
      data: BigInt64Array.from(values, BigInt),
    })
    const next = {
      input_ids: integers([7]),
      position_ids: integers([12]),
      attention_mask: integers(Array(size + 1).fill(1)),
    }
    const { logits, ...after } = await decoder.run({ ...next, ...kept })
    expect(after['present.0.key']?.dims[2]).toBe(size + 1)
    answers.push([...((logits as TensorLike).data as Float32Array)])
  }
  const [whole, ...others] = answers as [number[], ...number[][]]
  for (const other of others) {
    expect(other.every(Number.isFinite)).toBe(true)
    expect(other).not.toEqual(whole)
  }
})

describe('refusals', () => {
  test('a decoder that counts positions by its caches, and a model without caches', () => {
    for (const name of ['bloom', 'gemma3', 'llama-fused-fp32'] as const) {
      expect(() => press(open(name), { method: keyNorm(), amount: half })).toThrow(
        expect.objectContaining({ code: 'TP_POSITIONS', message: expect.stringContaining('position_ids') }),
      )
    }
    const mail = decodeModel(readFileSync(modelPath('mail')))
    expect(() => press(mail, { method: keyNorm(), amount: half })).toThrow(
      expect.objectContaining({ code: 'TP_DECODER' }),
    )
  })

  test('a method that merges, brings tokens back, or decides by itself how many are kept', () => {
    const merging: Method = {
      ...streaming(),
      name: 'merging',
      reduce: (site) => ({ ...streaming().reduce(site), into: mul(site.index, 0) }),
    }
    for (const [method, reason] of [
      [merging, /merging merges tokens, and caches can only lose them/],
      [{ ...streaming(), site: 'input', returns: true }, /gives tokens back in later layers/],
      [{ ...streaming(), unscheduled: true }, /decides by itself how many tokens are kept/],
    ] as const) {
      expect(() => press(open('llama'), { method, amount: half })).toThrow(reason)
    }
  })

  test.each([
    [{ kind: 'threshold', value: 0.1 }, /caches are of one length/],
    [{ kind: 'ratio', value: 0 }, /ratio|keep/],
    [{ kind: 'ratio', value: 2 }, /ratio|keep/],
    [{ kind: 'share', value: 0.5 }, /share/],
  ])('the amount %j', (amount, reason) => {
    expect(() => press(open('llama'), { method: keyNorm(), amount: amount as Amount })).toThrow(reason)
  })

  test('a method that reads attention', () => {
    expect(() => press(open('llama'), { method: receivedAttention(), amount: half })).toThrow(
      /received-attention reads attention, which caches do not have/,
    )
  })
})
