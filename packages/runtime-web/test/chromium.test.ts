import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { prune, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSite } from './browser/site.ts'
import { runSuite, type SuiteRun } from './browser/suite.ts'
import { lifetimeTests } from './lifetime.ts'
import { placementTests } from './webgpu-placement.ts'

const wasm = { slowSize: 384 }
const webgpu = {
  slowSize: 64,
  withoutTypes: 'WebGPU has no strings, and 16-bit floats only on some adapters; onnxruntime fails on them',
}
const runs: readonly SuiteRun[] = [
  { headers: 'plain', runtime: 'wasm', options: {}, kit: wasm },
  { headers: 'isolated', runtime: 'servedWasm', options: { threads: 2 }, kit: wasm },
  { headers: 'isolated', runtime: 'wasm', options: { threads: 2, worker: true }, kit: wasm },
  // On a processor WebGPU takes long; what it does with pruned models is tested every day (webgpu-placement.ts).
  ...(process.env.TP_EXHAUSTIVE
    ? ([{}, { worker: true }].map((options) => ({
        headers: 'isolated',
        runtime: 'webgpu',
        options,
        kit: webgpu,
      })) as SuiteRun[])
    : []),
]

// One file, so that the page is built once and there is one browser.
const site = await openSite()
afterAll(() => site.close())

// The suite runs inside the page; its tests are listed here, each with what became of it there.
for (const run of runs) {
  const outcomes = await runSuite(site, run)
  describe(`in Chromium, ${run.headers} page`, () => {
    for (const { name, state, problem } of outcomes) {
      test.skipIf(state === 'skipped')(name, () => {
        if (state === 'failed') throw new Error(problem)
      })
    }
  })
}

test('says how many threads a page gets, and why', { timeout: 60_000 }, async () => {
  const notes: Record<string, string | undefined> = {}
  for (const headers of ['isolated', 'plain'] as const) {
    const page = await site.open(headers)
    notes[headers] = await page.evaluate(async () => {
      const session = await tp.wasm.load(tp.models.sumModel, { threads: 2 })
      await session.dispose()
      return (await tp.wasm.diagnose()).notes.find((note) => note.includes('last model'))
    })
    await page.close()
  }
  expect(notes.isolated).toMatch(/2 asked for, 1 got, .*worker: true/)
  expect(notes.plain).toMatch(/2 asked for, 1 got, .*Cross-Origin-Opener-Policy/)
})

describe('a pruned model gives what it gives in Node', () => {
  const tokens = Array.from({ length: 48 }, (_, i) => (i === 0 ? 2 : 300 + 7 * i))
  let logits: number[]
  beforeAll(async () => {
    const model = decodeModel(await readFile(modelPath('mail')))
    const result = transform(model, prune({ method: receivedAttention(), schedule: schedule(6, { keep: 0.7 }) }))
    const file = join(site.folder, 'pruned.onnx')
    await writeFile(file, encodeModel(result.model))
    await using session = await nodeRuntime().load(file)
    const outputs = await session.run({
      input_ids: { type: 'int64', dims: [1, tokens.length], data: BigInt64Array.from(tokens, BigInt) },
      attention_mask: { type: 'int64', dims: [1, tokens.length], data: new BigInt64Array(tokens.length).fill(1n) },
    })
    logits = Array.from(outputs.logits?.data as Float32Array)
  })

  for (const [runtime, options, tags] of [
    ['wasm', {}, []],
    ['wasm', { worker: true, threads: 2 }, []],
    ['webgpu', {}, ['exhaustive']],
  ] as const)
    test(`${runtime} ${JSON.stringify(options)}`, { timeout: 60_000, tags: [...tags] }, async () => {
      const page = await site.open('isolated')
      const seen = await page.evaluate(
        async ([runtime, options, tokens]) => {
          const session = await tp[runtime].load('pruned.onnx', options)
          const dims = [1, tokens.length]
          const outputs = await session.run({
            input_ids: { type: 'int64', dims, data: BigInt64Array.from(tokens, BigInt) },
            attention_mask: { type: 'int64', dims, data: new BigInt64Array(tokens.length).fill(1n) },
          })
          await session.dispose()
          return Array.from(outputs.logits?.data as Float32Array)
        },
        [runtime, options, tokens] as const,
      )
      await page.close()
      expect(seen).toHaveLength(logits.length)
      for (const [i, value] of seen.entries()) expect(Math.abs(value - (logits[i] as number))).toBeLessThan(1e-4)
    })
})

describe('sessions and pages that end', () => lifetimeTests(site))
describe('with WebGPU a pruned model', () => placementTests(site))
