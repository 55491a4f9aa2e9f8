import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import {
  type DecoderInspection,
  inspectDecoder,
  lastLogits,
  press,
  prunePrompt,
  quantizeCaches,
  transform,
} from '@tp/compiler'
import { keyNorm, lastQuery } from '@tp/method-attention'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { decoderPath } from 'exported-decoders'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerPrompts } from '../src/generation/answer-prompts.ts'
import { readChatTemplate } from '../src/generation/chat-template.ts'
import { readNeedles } from '../src/generation/needles.ts'
import { readPrompts } from '../src/generation/prompts.ts'
import { openTextDecoder } from '../src/generation/text-decoder.ts'
import { openTokenizer } from '../src/inputs/tokenizer.ts'
import { testFolder } from './folder.ts'

/** As many words as the decoders know tokens. */
const words = Array.from({ length: 96 }, (_, id) => (id === 0 ? '<s>' : `w${id}`))
const tokenizer = openTokenizer(
  JSON.stringify({
    ...{ version: '1.0', normalizer: null, pre_tokenizer: { type: 'WhitespaceSplit' }, decoder: null },
    post_processor: null,
    added_tokens: [
      { id: 0, content: '<s>', single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
    ],
    model: {
      type: 'WordPiece',
      unk_token: 'w1',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 99,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
    },
  }),
  'tokenizer.json',
)

const model = decodeModel(readFileSync(decoderPath('llama')))
const form = inspectDecoder(model) as DecoderInspection
const load = (own: Model | Uint8Array): ReturnType<ReturnType<typeof nodeRuntime>['load']> =>
  nodeRuntime().load(own instanceof Uint8Array ? own : encodeModel(own), { threads: 1 })

const { write: written } = testFolder()

function nearly(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length)
  for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 4)
}

const tokens = fc.array(fc.integer({ min: 1, max: 95 }), { minLength: 2, maxLength: 20 })

describe('a decoder', () => {
  test('reads a prompt and the tokens after it as it reads all of them at once', async () => {
    await using session = await load(model)
    const decoder = openTextDecoder(session, form)
    await fc.assert(
      fc.asyncProperty(tokens, fc.nat({ max: 17 }), async (all, at) => {
        const first = 1 + (at % (all.length - 1))
        let reading = await decoder.read(all.slice(0, first))
        for (const token of all.slice(first)) reading = await reading.next(token)
        const whole = await decoder.read(all)
        nearly(reading.logits, whole.logits)
        // Two layers of two heads of four numbers, keys and values.
        expect([reading.cacheBytes, whole.cacheBytes]).toEqual([128 * all.length, 128 * all.length])
      }),
      { numRuns: 20 },
    )
  })

  test('says the same with its prompt or its caches pruned, where all tokens are kept', async () => {
    const pruning = { method: lastQuery(), amount: { kind: 'ratio', value: 1 }, layer: 0 } as const
    const pruned = transform(model, prunePrompt(pruning))
    const pressed = press(model, { method: keyNorm(), amount: { kind: 'ratio', value: 1 } })
    await using dense = await load(model)
    await using shorter = await load(pruned.model)
    await using caches = await load(pressed)
    const decoders = [
      openTextDecoder(dense, form),
      openTextDecoder(shorter, form),
      openTextDecoder(dense, form, { press: caches }),
    ]
    const prompt = [5, 40, 17, 80, 9, 31]
    const [first, ...others] = await Promise.all(
      decoders.map(async (decoder) => (await decoder.read(prompt)).next(12).then((reading) => reading.next(60))),
    )
    for (const { logits } of others) nearly(logits, first?.logits as Float32Array)
  })

  test('gives new tokens the positions of the whole text, whatever a press keeps', async () => {
    const pressed = press(model, { method: keyNorm(), amount: { kind: 'tokens', value: 2 } })
    await using session = await load(model)
    await using caches = await load(pressed)
    const reading = await openTextDecoder(session, form, { press: caches }).read([5, 40, 17, 80, 9, 31])
    const { position_ids: positions, attention_mask: mask } = reading.feeds(12)
    expect([positions?.data, mask?.dims]).toEqual([BigInt64Array.of(6n), [1, 3]])
    expect(reading.cacheBytes).toBe(128 * 2)
  })

  test('reads on with caches of 8 bits and their scales', async () => {
    const small = transform(model, quantizeCaches())
    await using session = await load(small.model)
    const decoder = openTextDecoder(session, inspectDecoder(small.model) as DecoderInspection)
    const whole = await decoder.read([5, 40, 17, 80, 9])
    const reading = await (await decoder.read([5, 40, 17, 80])).next(9)
    nearly(reading.logits, whole.logits)
    // Four numbers of a byte, and a scale of four, where there were four of four.
    expect([reading.cacheBytes, whole.cacheBytes]).toEqual([64 * 5, 64 * 5])
  })

  test('needs a prompt', async () => {
    await using session = await load(model)
    await expect(openTextDecoder(session, form).read([])).rejects.toThrow('the prompt is empty')
  })
})

describe('prompts', () => {
  const options = { tokenizer, ends: [0], maxTokens: 3 }

  test('answers prompts by what a decoder finds likeliest, and continuations are as likely as its scores say', async () => {
    const last = transform(model, lastLogits())
    await using session = await load(model)
    await using short = await load(last.model)
    const [prompt, continuation] = [
      [5, 40, 17, 80],
      [9, 31, 2],
    ]
    const decoder = openTextDecoder(session, form)
    const expected: number[] = []
    for (let reading = await decoder.read(prompt); expected.length < 3; ) {
      expected.push(reading.logits.indexOf(Math.max(...reading.logits)))
      reading = await reading.next(expected.at(-1) as number)
    }
    let nats = 0
    for (const [i, token] of continuation.entries()) {
      const { logits } = await decoder.read([...prompt, ...continuation.slice(0, i)])
      nats -= Math.log(Math.exp(logits[token] as number) / logits.reduce((sum, x) => sum + Math.exp(x), 0))
    }
    const text = tokenizer.decode(expected.slice(0, expected.includes(0) ? expected.indexOf(0) : 3))
    const questions = [
      { tokens: prompt, answer: text },
      { tokens: prompt, answer: 'w0' },
      { tokens: prompt, continuation },
    ]
    for (const own of [session, short]) {
      const found = await answerPrompts(openTextDecoder(own, form), questions, options)
      expect([found.texts, found.answers?.got]).toEqual([
        [text, text],
        [1, 0],
      ])
      expect(found.nats?.got[0]).toBeCloseTo(nats / 3, 4)
    }
  })

  test('come from a table, as they are or in the chat template of the model', async () => {
    const path = await written(
      'prompts.jsonl',
      '{"message": "w5 w6", "prompt": null, "answer": "w7", "continuation": ""}\n' +
        '{"prompt": "w5 w6", "continuation": "w8 w9"}\n',
    )
    const template = (message: string): string => `w2 ${message} w3`
    expect(await readPrompts(path, { tokenizer, template })).toEqual([
      { tokens: [2, 5, 6, 3], answer: 'w7' },
      { tokens: [5, 6], continuation: [8, 9] },
    ])
    await expect(readPrompts(path, { tokenizer, template: undefined })).rejects.toThrow('no chat template')
    for (const [name, content, message] of [
      ['a.tsv', 'text\tanswer\nw1\tw2\n', 'has the columns "text", "answer"; prompts are read from'],
      ['b.tsv', 'prompt\tanswer\nw1\t\n', 'line 2: has neither an answer nor a continuation'],
      ['c.tsv', 'prompt\tmessage\tanswer\nw1\tw2\tw3\n', 'line 2: needs a prompt or a message, and not both'],
      ['d.tsv', 'prompt\tanswer\n', 'holds no prompt'],
    ] as const) {
      await expect(readPrompts(await written(name, content), { tokenizer, template })).rejects.toThrow(message)
    }
  })

  test('hides numbers in a plain text at depths that are spread evenly, in passages that do not overlap', async () => {
    const text = Array.from({ length: 200 }, (_, i) => `w${1 + (i % 95)} sentence number ${i}.`).join(' ')
    const path = await written('essay.txt', text)
    const options = { tokenizer, template: undefined, length: 100, continuation: 10, keys: 2, limit: 5 }
    const prompts = await readNeedles(path, options)
    const [needles, passages] = [prompts.slice(0, 5), prompts.slice(5)]
    expect(needles.every(({ answer }) => /^[1-9]\d{6}$/.test(answer ?? ''))).toBe(true)
    expect(new Set(needles.map(({ answer }) => answer)).size).toBe(5)
    for (const { tokens } of needles) expect(Math.abs(tokens.length - 100)).toBeLessThan(10)
    expect(passages.map(({ tokens, continuation }) => [tokens.length, continuation?.length])).toEqual(
      passages.map(() => [100, 10]),
    )
    expect(passages).toHaveLength(Math.min(5, Math.floor(tokenizer.encodeAlone(text).length / 110)))
    await expect(readNeedles(path, { ...options, length: 10_000 })).rejects.toThrow('prompts of 10000 need more text')
  })
})

describe('a chat template', () => {
  const config = (template: unknown): string =>
    written('tokenizer_config.json', JSON.stringify({ chat_template: template, bos_token: { content: '<s>' } }))

  test('writes a message of a user, up to where the answer begins', async () => {
    const source =
      "{{ bos_token }}{% for message in messages %}[{{ message['role'] }}] {{ message['content'] }}{% endfor %}" +
      '{% if add_generation_prompt %} [assistant]{% endif %}'
    const template = await readChatTemplate(await config(source))
    expect(template?.('Hello')).toBe('<s>[user] Hello [assistant]')
    const own = await written('chat_template.jinja', '{{ messages[0].content }}!')
    expect((await readChatTemplate(own))?.('Hello')).toBe('Hello!')
    await rm(own)
  })

  test('takes the template named default where there are several', async () => {
    const tools = { name: 'tool_use', template: 'tools' }
    const plain = { name: 'default', template: '<{{ messages[0].content }}>' }
    expect((await readChatTemplate(await config([tools, plain])))?.('Hello')).toBe('<Hello>')
    await expect(readChatTemplate(await config([tools]))).rejects.toMatchObject({
      code: 'TP_TOKENIZER',
      message: expect.stringContaining('its chat templates are "tool_use"; name the one for plain messages "default"'),
    })
    expect(await readChatTemplate(await config([]))).toBeUndefined()
  })

  test('has no template where it is missing, and refuses one that cannot be read or does not end', async () => {
    expect(await readChatTemplate(await config(undefined))).toBeUndefined()
    await expect(readChatTemplate(await config('{% for %}'))).rejects.toThrow('its chat template cannot be used')
    const long = await readChatTemplate(await config('{% for i in range(1000000000) %}x{% endfor %}'))
    expect(() => long?.('Hello')).toThrow('its chat template cannot be used (range of 1000000000 numbers')
    const loops = '{% for i in range(9999) %}'.repeat(3)
    const endless = await readChatTemplate(await config(`${loops}${'{% endfor %}'.repeat(3)}`))
    expect(() => endless?.('Hello')).toThrow('its chat template cannot be used (takes more than 2 s)')
    const counting = await readChatTemplate(await config('{% for i in range(2, 9, 3) %}{{ i }} {% endfor %}'))
    expect(counting?.('Hello')).toBe('2 5 8 ')
  })
})
