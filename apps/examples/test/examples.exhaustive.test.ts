import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Tokenizer } from '@huggingface/tokenizers'
import { prune, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { type Chromium, openChromium, serve } from 'browser-tests'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const code = (path: string): Promise<string> => readFile(join(root, path), 'utf8')

let chromium: Chromium
let expected: Record<string, readonly number[]>

beforeAll(async () => {
  chromium = await openChromium()
  expected = await answersInNode()
})
afterAll(() => chromium[Symbol.asyncDispose]())

/** The answers that the pages have to find, by runtime-node. */
async function answersInNode(): Promise<Record<string, readonly number[]>> {
  const dense = new Uint8Array(await readFile(modelPath('mail')))
  const result = transform(
    decodeModel(dense),
    prune({ method: receivedAttention(), schedule: schedule(6, { keep: 0.7 }) }),
  )
  const tokenizer = new Tokenizer(JSON.parse(await readFile(modelPath('mail', 'tokenizer'), 'utf8')), {})
  const ids = tokenizer.encode(await code('mail.txt')).ids
  const dims = [1, ids.length]
  const answers: Record<string, readonly number[]> = {}
  for (const [name, model] of Object.entries({ dense, pruned: encodeModel(result.model) })) {
    await using session = await nodeRuntime().load(model)
    const { logits } = await session.run({
      input_ids: { type: 'int64', dims, data: BigInt64Array.from(ids, BigInt) },
      attention_mask: { type: 'int64', dims, data: new BigInt64Array(ids.length).fill(1n) },
    })
    answers[name] = Array.from(logits?.data as Float32Array)
  }
  return answers
}

/** Opens a page that has been built, and waits for the two lines that it writes. */
async function look(folder: string, isolated: boolean): Promise<{ lines: string[]; workers: number }> {
  await using served = await serve(join(root, folder), { isolated })
  const page = await chromium.context.newPage()
  let workers = 0
  page.on('worker', () => {
    workers += 1
  })
  const problem = new Promise<never>((_, reject) => page.on('pageerror', reject))
  await page.goto(`${served.url}index.html`)
  const output = page.locator('output', { hasText: /dense: .*ms\s+pruned: .*ms/ })
  const text = await Promise.race([output.textContent({ timeout: 150_000 }), problem])
  await page.close()
  return { lines: (text as string).trim().split('\n'), workers }
}

describe.each([
  { name: 'vite', served: 'vite/dist' },
  { name: 'module', served: 'module' },
  { name: 'webpack', served: 'webpack/public' },
  { name: 'next', served: 'next/out' },
])('$name', ({ name, served }) => {
  beforeAll(async () => {
    await promisify(execFile)('npm', ['run', 'build'], {
      cwd: join(root, name),
      env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' },
      shell: process.platform === 'win32',
    })
  }, 300_000)

  test.each([
    // A worker for each model, and where the page may share memory one more for the second thread.
    { headers: 'plain', isolated: false, started: 2 },
    { headers: 'isolated', isolated: true, started: 4 },
  ])(
    'answers as in Node, dense and pruned, on a $headers page',
    { timeout: 180_000 },
    async ({ isolated, started }) => {
      const { lines, workers } = await look(served, isolated)
      expect(lines).toHaveLength(2)
      for (const line of lines) {
        const [, model, ham, spam, ms] = /^(dense|pruned): spam \((.+), (.+)\), (.+) ms$/.exec(line) ?? []
        const [expectedHam, expectedSpam] = expected[model as string] as [number, number]
        expect(Math.abs(Number(ham) - expectedHam)).toBeLessThan(1e-4)
        expect(Math.abs(Number(spam) - expectedSpam)).toBeLessThan(1e-4)
        expect(Number(ms)).toBeGreaterThan(0)
      }
      expect(workers).toBe(started)
    },
  )
})

test('renders the Next.js page on the server', async () => {
  expect(await code('next/out/index.html')).toContain('<output')
})

test('uses the same code in every example, whatever bundles it', async () => {
  const first = await code('vite/compare.js')
  for (const path of ['module/compare.js', 'webpack/src/compare.js', 'next/app/compare.js']) {
    expect(await code(path), path).toBe(first)
  }
})
