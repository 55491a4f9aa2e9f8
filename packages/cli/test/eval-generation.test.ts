import { copyFileSync, writeFileSync } from 'node:fs'
import { decoderPath } from 'exported-decoders'
import { beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()
const essay = Array.from({ length: 120 }, (_, i) => `w${1 + (i % 95)} w${1 + ((7 * i) % 95)} and so on.`).join(' ')

beforeAll(() => {
  copyFileSync(decoderPath('llama'), folder.at('model.onnx'))
  const vocab = Object.fromEntries(Array.from({ length: 96 }, (_, id) => [id === 0 ? '<s>' : `w${id}`, id]))
  const model = { type: 'WordPiece', unk_token: 'w1', continuing_subword_prefix: '##', vocab }
  writeFileSync(
    folder.at('tokenizer.json'),
    JSON.stringify({
      ...{ version: '1.0', normalizer: null, pre_tokenizer: { type: 'WhitespaceSplit' }, decoder: null },
      ...{ post_processor: null, added_tokens: [], model: { ...model, max_input_chars_per_word: 99 } },
    }),
  )
  writeFileSync(folder.at('essay.txt'), essay)
  writeFileSync(folder.at('prompts.jsonl'), '{"prompt": "w5 w6 w7 w8 w9 w10", "continuation": "w8 w9"}\n'.repeat(3))
  const prompt = Array.from({ length: 40 }, (_, i) => `w${1 + ((11 * i) % 95)}`).join(' ')
  const both = { prompt, answer: 'w96', continuation: 'w8 w9' }
  writeFileSync(folder.at('both.jsonl'), `${JSON.stringify(both)}\n`.repeat(2))
})

const asked = (...args: readonly string[]): ReturnType<typeof tpHere> =>
  tpHere(['eval', folder.at('model.onnx'), '--task', 'generation', ...args])

describe('tp eval of a decoder', () => {
  test('compares prunings of its prompts and caches with dense, 8-bit caches, random and prompts that are cut', async () => {
    const press = folder.at('press.onnx')
    expect(
      (await tpHere(['press', folder.at('model.onnx'), '-o', press, '--method', 'key-norm', '--keep', '0.5'])).code,
    ).toBe(0)
    const pruning = ['--methods', 'last-query,random', '--keep', '0.5', '--press', press, '--caches']
    const { code, stdout } = await asked('--data', folder.at('both.jsonl'), '--max-tokens', '3', ...pruning, '--json')
    expect(code).toBe(0)
    const { rows } = JSON.parse(stdout)
    expect(
      rows.map(({ method, keep, seeds }: { method: string; keep: string; seeds: number }) => [method, keep, seeds]),
    ).toEqual([
      ['dense', null, 1],
      ['none', null, 1],
      ['8-bit caches', null, 1],
      ['last-query', '0.5', 1],
      ['random', '0.5', 5],
      ['cut prompt', '0.5', 1],
      ['press.onnx', null, 1],
    ])
    const [dense, none, small, query, random, cut, pressed] = rows
    expect([none.texts, none.perplexity.estimate]).toEqual([dense.texts, expect.closeTo(1, 4)])
    // Half of the tokens in one of two layers, three quarters in both, and half in both.
    for (const [row, share] of [
      [query, 0.75],
      [random, 0.75],
      [cut, 0.75],
      [pressed, 0.5],
      // Four numbers of a head in 8 bits, and their scale.
      [small, 0.5],
    ])
      expect(row.cacheBytes / dense.cacheBytes).toBeCloseTo(share, 1)
    expect(small.perplexity.estimate).toBeCloseTo(1, 2)
    expect(dense.right).toMatchObject({ estimate: 0 })
    expect(query.loss).toMatchObject({ estimate: 0 })
  })

  test('hides numbers in a plain text, and predicts how it goes on', async () => {
    const { code, stdout } = await asked(
      ...['--data', folder.at('essay.txt'), '--length', '40', '--limit', '1', '--memory', '--json'],
    )
    expect(code).toBe(0)
    const { prompts, rows } = JSON.parse(stdout)
    expect([prompts, rows[0].right.estimate, rows[0].texts.length]).toEqual([2, 0, 1])
    expect(rows[0].perplexity.estimate).toBeGreaterThan(1)
    // Node, onnxruntime and a model of 100 kB.
    for (const { peakBytes } of rows) {
      expect(peakBytes).toBeGreaterThan(30e6)
      expect(peakBytes).toBeLessThan(500e6)
    }
  })

  test('prints a table, by the columns that the data have', async () => {
    const { code, stdout } = await asked('--data', folder.at('prompts.jsonl'))
    expect(code).toBe(0)
    expect(stdout).toMatch(/^model {2}model\.onnx {3}3 prompts, 6 … 6 tokens/)
    expect(stdout).toMatch(/^method +keep +perplexity +caches +prompt ms +speed-up +token ms +speed-up$/m)
    expect(stdout).toMatch(/^none +×1\.000 \(1\.000 … 1\.000\) /m)
  })

  test.each([
    [['--data', 'prompts.jsonl', '--length', '40'], 2, /--length is for a plain text/],
    [['--data', 'prompts.jsonl', '--label-column', 'x'], 2, /--label-column does not go with --task generation/],
    [['--data', 'prompts.jsonl', '--methods', 'last-query'], 2, /say how many tokens to keep/],
    [['--data', 'prompts.jsonl', '--keep', '0.5'], 2, /a budget needs methods/],
    [['--data', 'essay.txt', '--keys', '99'], 2, /--keys is 99; a prompt can hide/],
    [['--data', 'essay.txt'], 1, /prompts of 1024 need more text/],
  ])('refuses %j', async (args, exit, message) => {
    const at = args.map((arg) => (/\.(txt|jsonl)$/.test(arg) ? folder.at(arg) : arg))
    const { code, stderr } = await asked(...at)
    expect([code, stderr]).toEqual([exit, expect.stringMatching(message)])
  })

  test('is not for encoders, and its options are not for other tasks', async () => {
    const { code, stderr } = await tpHere(['eval', 'model.onnx', '--data', 'x.tsv', '--press', 'y.onnx'])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/--press is for --task generation/)])
  })
})
