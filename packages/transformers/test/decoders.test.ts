import { AutoModelForCausalLM, DynamicCache, env, Tensor } from '@huggingface/transformers'
import { press } from '@tp/compiler'
import { type Method, streaming } from '@tp/core'
import type { NamedTensors, Session, TensorLike } from '@tp/core/runtime'
import { keyNorm } from '@tp/method-attention'
import { openModel } from 'exported-encoders'
import { openModelFolder } from 'pipeline-models'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { pressCaches, startEightBitCaches } from '../src/index.ts'
import { addLlama, llama, withEightBitCaches, withHalfPrompt } from './models.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const models = await openModelFolder()
const prompt = [5, 17, 40, 8, 61, 33, 12, 90, 27, 70, 4, 55]
const ids = (tokens: readonly number[]): Tensor =>
  new Tensor('int64', BigInt64Array.from(tokens, BigInt), [1, tokens.length])

beforeAll(async () => {
  env.allowRemoteModels = false
  env.localModelPath = `${models.path}/`
  await addLlama(models)
})
afterAll(() => models[Symbol.asyncDispose]())

async function open(name: string): Promise<Decoder> {
  return (await AutoModelForCausalLM.from_pretrained(name, { dtype: 'fp32' })) as unknown as Decoder
}

interface Decoder {
  generate(options: object): Promise<unknown>
}

async function continued(
  model: Decoder,
  tokens: readonly number[],
  count: number,
  past?: object,
): Promise<{ tokens: number[]; cache: object }> {
  const answer = (await model.generate({
    ...{
      inputs: ids(tokens),
      attention_mask: ids(tokens.map(() => 1)),
      max_new_tokens: count,
      do_sample: false,
      eos_token_id: -1,
      return_dict_in_generate: true,
    },
    ...(past && { past_key_values: past }),
  })) as { sequences: Tensor; past_key_values: object }
  return { tokens: answer.sequences.tolist()[0].map(Number), cache: answer.past_key_values }
}

function pressOf(method: Method, keep: number): Uint8Array {
  const result = press(llama, { method, amount: { kind: 'ratio', value: keep } })
  return result
}

test('generates the same with the logits of the last token alone', async () => {
  const [dense, last] = await Promise.all(['llama', 'llama-last'].map(open))
  const expected = await continued(dense as Decoder, prompt, 12)
  expect(expected.tokens).toHaveLength(24)
  expect((await continued(last as Decoder, prompt, 12)).tokens).toEqual(expected.tokens)
})

/** Expects of two turns what a loop makes of the same file; what the first one gave. */
async function twoTurns(model: Decoder, loop: Loop): ReturnType<typeof continued> {
  const first = await continued(model, prompt, 5)
  const second = await continued(model, [...first.tokens, 3, 44, 9], 4, first.cache)
  const answer = [await loop.feed(prompt)]
  await goOn(loop, answer, 5)
  expect(first.tokens).toEqual([...prompt, ...answer])
  const next = [await loop.feed([...answer.slice(-1), 3, 44, 9])]
  await goOn(loop, next, 4)
  expect(second.tokens).toEqual([...first.tokens, 3, 44, 9, ...next])
  return first
}

test('generates with a pruned prompt what a loop of its own makes, in a second turn, too', async () => {
  const model = await open('llama-half')
  await using decoder = await openModel(withHalfPrompt())
  await twoTurns(model, new Loop(decoder))
})

describe('pressed caches', () => {
  test('answer as before where all tokens are kept', async () => {
    const [dense, kept] = await Promise.all(['llama', 'llama'].map(open))
    await pressCaches(kept as Decoder, pressOf(keyNorm(), 1))
    expect((await continued(kept as Decoder, prompt, 12)).tokens).toEqual(
      (await continued(dense as Decoder, prompt, 12)).tokens,
    )
  })

  test.each(['llama', 'llama-last'])(
    'makes the caches that a loop of its own makes, in a second turn, too: %s',
    async (name) => {
      const bytes = pressOf(streaming({ sinks: 2 }), 0.5)
      const model = await open(name)
      await pressCaches(model, bytes)
      const first = await continued(model, prompt, 5)
      const second = await continued(model, [...first.tokens, 3, 44, 9], 4, first.cache)
      await using decoder = await openModel(llama)
      await using pressing = await openModel(bytes)
      const loop = new Loop(decoder)
      const answer = [await loop.feed(prompt)]
      loop.caches = await pressing.run(present(loop.caches))
      await goOn(loop, answer, 5)
      expect(first.tokens).toEqual([...prompt, ...answer])
      // The last token of generate() is not in the caches yet.
      const next = [await loop.feed([...answer.slice(-1), 3, 44, 9])]
      await goOn(loop, next, 4)
      expect(second.tokens).toEqual([...first.tokens, 3, 44, 9, ...next])
      expect(loop.length).toBeLessThan(second.tokens.length - 1)
    },
  )

  test('presses no more caches after dispose', async () => {
    const [dense, model] = await Promise.all(['llama', 'llama'].map(open))
    const pressing = await pressCaches(model as Decoder, pressOf(streaming(), 0.34))
    const expected = (await continued(dense as Decoder, prompt, 6)).tokens
    expect((await continued(model as Decoder, prompt, 6)).tokens).not.toEqual(expected)
    await expect(pressCaches(model as Decoder, pressOf(streaming(), 0.34))).rejects.toMatchObject({ code: 'TP_MODEL' })
    await Promise.all([pressing.dispose(), pressing.dispose()])
    expect((await continued(model as Decoder, prompt, 6)).tokens).toEqual(expected)
    const two = new Tensor('int64', BigInt64Array.from([...prompt, ...prompt], BigInt), [2, prompt.length])
    await expect((model as Decoder).generate({ inputs: two, max_new_tokens: 2 })).resolves.toBeDefined()
  })

  test('refuses several examples, one with padding, and a model of several files', async () => {
    const model = await open('llama')
    await pressCaches(model, pressOf(keyNorm(), 0.5))
    const two = new Tensor('int64', BigInt64Array.from([...prompt, ...prompt], BigInt), [2, prompt.length])
    await expect(model.generate({ inputs: two, max_new_tokens: 2 })).rejects.toMatchObject({ code: 'TP_BATCH' })
    const padded = { inputs: ids(prompt), attention_mask: ids(prompt.map((_, i) => Math.min(i, 1))), max_new_tokens: 2 }
    await expect(model.generate(padded)).rejects.toMatchObject({ code: 'TP_BATCH' })
    await expect(pressCaches({ sessions: {} }, pressOf(keyNorm(), 0.5))).rejects.toMatchObject({ code: 'TP_MODEL' })
  })
})

describe('caches of 8 bits', () => {
  test('answer as a loop of its own makes, in a second turn, too', async () => {
    const model = await open('llama-int8')
    startEightBitCaches(model)
    await using decoder = await openModel(withEightBitCaches())
    const first = await twoTurns(model, new Loop(decoder, 'int8'))
    expect((first.cache as Record<string, Tensor>)['past_key_values.0.key']?.type).toBe('int8')
  })

  test('answer several examples at once, and fill a cache that was given', async () => {
    const model = await open('llama-int8')
    startEightBitCaches(model)
    const [one, cache] = [await continued(model, prompt, 4), new DynamicCache()]
    expect((await continued(model, prompt, 4, cache)).tokens).toEqual(one.tokens)
    expect(cache.get_seq_length()).toBe(prompt.length + 3)
    const two = new Tensor('int64', BigInt64Array.from([...prompt, ...prompt], BigInt), [2, prompt.length])
    const both = (await model.generate({
      inputs: two,
      max_new_tokens: 4,
      do_sample: false,
      eos_token_id: -1,
    })) as Tensor
    expect(both.tolist().map((row: bigint[]) => row.map(Number))).toEqual([one.tokens, one.tokens])
  })

  test('refuses a model whose caches have no scales, and one without caches', async () => {
    const model = await open('llama')
    const wrong = expect.objectContaining({ code: 'TP_MODEL' })
    expect(() => startEightBitCaches(model)).toThrow(wrong)
    expect(() => startEightBitCaches({ sessions: {} })).toThrow(wrong)
  })
})

const present = (caches: NamedTensors): NamedTensors =>
  Object.fromEntries(Object.entries(caches).map(([name, cache]) => [name.replace('past_key_values', 'present'), cache]))

/** Greedy decoding by hand: positions count all tokens, the mask those that are left. */
class Loop {
  caches: NamedTensors
  #seen = 0
  readonly #decoder: Session

  constructor(decoder: Session, type: 'float32' | 'int8' = 'float32') {
    this.#decoder = decoder
    const floats = (size: number): TensorLike => ({ type: 'float32', dims: [1, 2, 0, size], data: new Float32Array() })
    const stored: TensorLike = type === 'int8' ? { type, dims: [1, 2, 0, 4], data: new Int8Array() } : floats(4)
    const names = [0, 1].flatMap((layer) => ['key', 'value'].map((kind) => `past_key_values.${layer}.${kind}`))
    this.caches = Object.fromEntries(
      names.flatMap((name) => [[name, stored], ...(type === 'int8' ? [[`${name}_scale`, floats(1)]] : [])]),
    )
  }

  get length(): number {
    return this.caches['past_key_values.0.key']?.dims[2] as number
  }

  /** @returns the token that comes next */
  async feed(tokens: readonly number[]): Promise<number> {
    const integers = (values: readonly number[]): TensorLike => ({
      type: 'int64',
      dims: [1, values.length],
      data: BigInt64Array.from(values, BigInt),
    })
    const { logits, ...after } = await this.#decoder.run({
      input_ids: integers(tokens),
      position_ids: integers(tokens.map((_, i) => this.#seen + i)),
      attention_mask: integers(Array(this.length + tokens.length).fill(1)),
      ...this.caches,
    })
    this.#seen += tokens.length
    this.caches = Object.fromEntries(
      Object.entries(after).map(([name, cache]) => [name.replace('present', 'past_key_values'), cache]),
    )
    const scores = ((logits as TensorLike).data as Float32Array).slice(-96)
    return scores.indexOf(Math.max(...scores))
  }
}

/** Token by token, until there are as many. */
async function goOn(loop: Loop, answer: number[], count: number): Promise<void> {
  while (answer.length < count) answer.push(await loop.feed(answer.slice(-1)))
}
