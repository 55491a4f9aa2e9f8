import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { press } from '@tp/compiler'
import { loadTokenizer, type Prompt, readNeedles, readPrompts } from '@tp/data'
import type { TextTokenizer } from '@tp/data/inputs'
import { keyNorm } from '@tp/method-attention'
import { decodeModel, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { decoderPath } from 'exported-decoders'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { compareGeneration } from '../src/generation/command.ts'
import { type GenerationRow, measureGeneration } from '../src/generation/measure.ts'
import { variantsOf } from '../src/generation/variants.ts'

const folder = mkdtempSync(join(tmpdir(), 'tp-generation-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string): string => join(folder, name)
const runtime = nodeRuntime()
const essay = Array.from({ length: 120 }, (_, i) => `w${1 + (i % 95)} w${1 + ((7 * i) % 95)} and so on.`).join(' ')
let model: Model
let tokenizer: TextTokenizer

beforeAll(async () => {
  copyFileSync(decoderPath('llama'), at('model.onnx'))
  model = decodeModel(readFileSync(at('model.onnx')))
  const vocab = Object.fromEntries(Array.from({ length: 96 }, (_, id) => [id === 0 ? '<s>' : `w${id}`, id]))
  const form = { type: 'WordPiece', unk_token: 'w1', continuing_subword_prefix: '##', vocab }
  writeFileSync(
    at('tokenizer.json'),
    JSON.stringify({
      ...{ version: '1.0', normalizer: null, pre_tokenizer: { type: 'WhitespaceSplit' }, decoder: null },
      ...{ post_processor: null, added_tokens: [], model: { ...form, max_input_chars_per_word: 99 } },
    }),
  )
  tokenizer = await loadTokenizer(at('tokenizer.json'))
  writeFileSync(at('essay.txt'), essay)
  writeFileSync(at('prompts.jsonl'), '{"prompt": "w5 w6 w7 w8 w9 w10", "continuation": "w8 w9"}\n'.repeat(3))
  const prompt = Array.from({ length: 40 }, (_, i) => `w${1 + ((11 * i) % 95)}`).join(' ')
  const both = { prompt, answer: 'w96', continuation: 'w8 w9' }
  writeFileSync(at('both.jsonl'), `${JSON.stringify(both)}\n`.repeat(2))
})

const plain = { methods: [], amounts: [], layer: undefined, presses: [], caches: false }
const measure = (
  prompts: readonly Prompt[],
  variants: Partial<typeof plain> = {},
  more = {},
): Promise<GenerationRow[]> =>
  measureGeneration(variantsOf({ model, ...plain, ...variants }), {
    ...{ runtime, prompts, tokenizer, ends: [], maxTokens: 3, onProgress: () => {} },
    ...more,
  })

describe('a comparison of a decoder with its prunings', () => {
  test('has rows of its prompts and caches, 8-bit caches, random and prompts that are cut', {
    timeout: 120_000,
  }, async () => {
    const pressed = press(model, { method: keyNorm(), amount: { kind: 'ratio', value: 0.5 } })
    writeFileSync(at('press.onnx'), pressed)
    const rows = await measure(await readPrompts(at('both.jsonl'), { tokenizer, template: undefined }), {
      ...{ methods: ['last-query', 'random'], amounts: [{ kind: 'ratio', value: 0.5 }] },
      ...{ presses: [at('press.onnx')], caches: true },
    } as never)
    expect(rows.map(({ method, keep, seeds }) => [method, keep, seeds])).toEqual([
      ['dense', '', 1],
      ['none', '', 1],
      ['8-bit caches', '', 1],
      ['last-query', '0.5', 1],
      ['random', '0.5', 5],
      ['cut prompt', '0.5', 1],
      ['press.onnx', '', 1],
    ])
    const [dense, none, small, query, random, cut, pruned] = rows as [GenerationRow, ...GenerationRow[]]
    expect([none?.texts, none?.perplexity?.estimate]).toEqual([dense.texts, expect.closeTo(1, 4)])
    // Half of the tokens in one of two layers, three quarters in both, and half in both.
    for (const [row, share] of [
      [query, 0.75],
      [random, 0.75],
      [cut, 0.75],
      [pruned, 0.5],
      // Four numbers of a head in 8 bits, and their scale.
      [small, 0.5],
    ] as const)
      expect((row?.cacheBytes ?? 0) / dense.cacheBytes).toBeCloseTo(share, 1)
    expect(small?.perplexity?.estimate).toBeCloseTo(1, 2)
    expect(dense.right).toMatchObject({ estimate: 0 })
    expect(query?.loss).toMatchObject({ estimate: 0 })
  })

  test('hides numbers in a plain text, and predicts how it goes on', { timeout: 120_000 }, async () => {
    const needles = { tokenizer, template: undefined, limit: 1, length: 40, keys: 1, continuation: 128 }
    const prompts = await readNeedles(at('essay.txt'), needles)
    const rows = await measure(prompts, {}, { memory: true })
    expect([prompts.length, rows[0]?.right?.estimate, rows[0]?.texts.length]).toEqual([2, 0, 1])
    expect(rows[0]?.perplexity?.estimate).toBeGreaterThan(1)
    // Node, onnxruntime and a model of 100 kB.
    for (const { peakBytes } of rows) {
      expect(peakBytes).toBeGreaterThan(30e6)
      expect(peakBytes).toBeLessThan(500e6)
    }
  })

  test('prints a table, by the columns that the data have', { timeout: 120_000 }, async () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    expect(await compareGeneration(runtime, [at('model.onnx'), '--data', at('prompts.jsonl')])).toBe(0)
    const text = write.mock.calls.map(([chunk]) => chunk).join('')
    write.mockRestore()
    expect(text).toMatch(/^3 prompts$/m)
    expect(text).toMatch(
      /^method +keep +perplexity +caches in MB +prompt ms +prompt speed-up +token ms +token speed-up$/m,
    )
    expect(text).toMatch(/^none +×1\.000 \(1\.00 … 1\.00\) /m)
  })

  test.each([
    [['--data', 'prompts.jsonl', '--methods', 'last-query'], /--methods and --keep go together/],
    [['--data', 'essay.txt', '--keys', '99'], /--keys is 99; a prompt can hide/],
    [['--data', 'essay.txt'], /prompts of 1024 need more text/],
  ])('refuses %j', async (args, message) => {
    const paths = args.map((arg) => (/\.(txt|jsonl)$/.test(arg) ? at(arg) : arg))
    await expect(compareGeneration(runtime, [at('model.onnx'), ...paths])).rejects.toThrow(message)
  })
})
