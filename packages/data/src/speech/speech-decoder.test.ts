import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  add,
  concat,
  constant,
  cumSum,
  gather,
  input,
  matmul,
  mean,
  mul,
  squeeze,
  sum,
  type Tensor,
  tanh,
  unsqueeze,
  where,
} from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'
import { emitModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSpeechDecoder } from './speech-decoder.ts'

const WORDS = ['<s>', '</s>', '<en>', '<write>', '<plain>', 'one', 'two', 'three', 'four', 'five', 'six', 'seven']
const WIDTH = 6
const uniform = randomNumbers(3)
const normal = (): number => 3 * (uniform() - 0.5)
const random = (...dims: number[]): number[] => Array.from({ length: dims.reduce((a, b) => a * b) }, normal)
const [embedding, head] = [random(WORDS.length, WIDTH), random(WIDTH, WORDS.length)]

const generation = {
  decoder_start_token_id: 0,
  eos_token_id: 1,
  max_length: 20,
  suppress_tokens: [0, 2, 3, 4],
  begin_suppress_tokens: [1],
  lang_to_id: { '<|en|>': 2, '<|de|>': 3 },
  task_to_id: { transcribe: 3 },
  no_timestamps_token_id: 4,
}

const tokenizer = {
  version: '1.0',
  normalizer: null,
  post_processor: null,
  added_tokens: WORDS.slice(0, 5).map((content, id) => ({
    ...{ id, content, single_word: false },
    ...{ lstrip: false, rstrip: false, normalized: false, special: true },
  })),
  model: { type: 'WordLevel', vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])), unk_token: 'one' },
  pre_tokenizer: { type: 'Whitespace' },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
}

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-speech-'))
  for (const [name, content] of Object.entries({ generation_config: generation, tokenizer, tokenizer_config: {} })) {
    await writeFile(join(folder, `${name}.json`), JSON.stringify(content))
  }
})

afterAll(() => rm(folder, { recursive: true }))

/** A decoder that looks at all tokens so far, by a running sum, and at all states, by their mean. `caches`: as a merged one of optimum's. */
function decoder(caches: boolean, count: string | number = 'encoder_sequence_length', merged = true): Uint8Array {
  const ids = input('input_ids', 'int64', ['batch_size', 'decoder_sequence_length'])
  const states = input('encoder_hidden_states', 'float32', ['batch_size', count, WIDTH])
  const own = gather(constant(embedding, 'float32', [WORDS.length, WIDTH]), ids, 0)
  const logitsOf = (before: Tensor, heard: Tensor): Tensor => {
    const sums = add(cumSum(own, 1), before)
    return matmul(
      tanh(mul(add(sums, mul(mean(heard, 1, { keepDims: true }), 9)), 0.7)),
      constant(head, 'float32', [WIDTH, WORDS.length]),
    )
  }
  const nothing = mul(sum(own, 1, { keepDims: true }), 0)
  if (!caches) return emitModel({ logits: logitsOf(nothing, states) }, { opset: 17 })
  const past = input('past_key_values.0.decoder.key', 'float32', [
    'batch_size',
    1,
    'past_decoder_sequence_length',
    WIDTH,
  ])
  const heard = input('past_key_values.0.encoder.key', 'float32', ['batch_size', 1, 'encoder_sequence_length', WIDTH])
  const cached = merged ? input('use_cache_branch', 'bool', [1]) : constant([1], 'bool', [1])
  const keys = unsqueeze(states, [1])
  return emitModel(
    {
      logits: logitsOf(sum(squeeze(past, [1]), 1, { keepDims: true }), squeeze(where(cached, heard, keys), [1])),
      'present.0.decoder.key': concat([past, unsqueeze(own, [1])], 2),
      // In the branch that uses the cache nothing is made of the states.
      'present.0.encoder.key': where(cached, mul(heard, 0), keys),
    },
    { opset: 17 },
  )
}

async function written(model: Uint8Array, states: TensorLike, language?: string): Promise<string> {
  await using session = await nodeRuntime().load(model, { threads: 1 })
  const speech = await openSpeechDecoder(session, join(folder, 'decoder.onnx'))
  return await speech.transcribe(states, undefined, language)
}

function statesOf(count: number): TensorLike {
  return { type: 'float32', dims: [1, count, WIDTH], data: Float32Array.from(random(count, WIDTH)) }
}

test('writes the same with and without keeping what it has read, from any number of states', async () => {
  const texts: string[] = []
  for (const count of [1, 5, 9, 30]) {
    const states = statesOf(count)
    const text = await written(decoder(false), states)
    expect(await written(decoder(true), states)).toBe(text)
    texts.push(text)
  }
  expect(new Set(texts).size).toBeGreaterThan(1)
  // Special tokens are not written, nor what is suppressed.
  for (const text of texts)
    expect(text).toMatch(/^(one|two|three|four|five|six|seven)( (one|two|three|four|five|six|seven))*$/)
  // 20 tokens with the prompt
  for (const text of texts) expect(text.split(' ').length).toBeLessThanOrEqual(16)
})

test('says what is missing in a file that is no decoder, and in its folder', async () => {
  const ids = input('input_ids', 'int64', ['batch', 'n'])
  await using other = await nodeRuntime().load(emitModel({ logits: unsqueeze(ids, [2]) }, { opset: 17 }), {
    threads: 1,
  })
  await expect(openSpeechDecoder(other, 'model.onnx')).rejects.toThrow(
    /has no input encoder_hidden_states, only input_ids/,
  )
  await using later = await nodeRuntime().load(decoder(true, undefined, false), { threads: 1 })
  await expect(openSpeechDecoder(later, 'decoder_with_past_model.onnx')).rejects.toThrow(
    /has no input use_cache_branch, only .*; give decoder_model\.onnx or decoder_model_merged\.onnx/,
  )
  await using session = await nodeRuntime().load(decoder(false), { threads: 1 })
  await expect(openSpeechDecoder(session, join(tmpdir(), 'decoder.onnx'))).rejects.toThrow(
    /no generation_config\.json next to it/,
  )
})

test('refuses fewer states than a decoder takes that was exported for a fixed number', async () => {
  const fixed = decoder(false, 9)
  expect(await written(fixed, statesOf(9))).toMatch(/^\w+/)
  await expect(written(fixed, statesOf(5))).rejects.toThrow(
    /reads 9 states of an encoder and no other number, and there are 5; prune with --set restore=nearest/,
  )
})

test('begins with the token of the language, and names those that it knows', async () => {
  const states = statesOf(5)
  expect(await written(decoder(true), states, 'en')).toBe(await written(decoder(true), states))
  expect(await written(decoder(true), states, 'de')).toBe(await written(decoder(false), states, 'de'))
  expect(await written(decoder(true), states, 'de')).not.toBe(await written(decoder(true), states))
  await expect(written(decoder(true), states, 'fr')).rejects.toThrow(
    expect.objectContaining({ code: 'TP_DATA', message: expect.stringContaining('language fr; it knows en, de') }),
  )
})

test('stops after the tokens that a caller wants no more after', async () => {
  await using session = await nodeRuntime().load(decoder(true), { threads: 1 })
  const speech = await openSpeechDecoder(session, join(folder, 'decoder.onnx'))
  let [states, whole]: [TensorLike, string[]] = [statesOf(5), []]
  while (whole.length < 4) {
    states = statesOf(5)
    whole = (await speech.transcribe(states)).split(' ')
  }
  const seen: number[] = []
  const stop = (tokens: readonly number[]): boolean => seen.push(tokens.length) === 3
  expect((await speech.transcribe(states, undefined, undefined, stop)).split(' ')).toEqual(whole.slice(0, 3))
  expect(seen).toEqual([1, 2, 3])
})
