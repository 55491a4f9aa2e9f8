import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openChromium, serve } from 'browser-tests'
import { build } from 'vite'
import { expect, test } from 'vitest'
import type {} from './browser/main.ts'
import { sums } from './sums.ts'

test('reads a guard, falls back and notices a drift in a page', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tp-page-'))
  try {
    await build({
      configFile: false,
      root: fileURLToPath(new URL('browser', import.meta.url)),
      base: './',
      logLevel: 'error',
      build: { outDir: folder, emptyOutDir: true, reportCompressedSize: false },
    })
    await writeFile(join(folder, 'dense.onnx'), sums())
    await writeFile(join(folder, 'pruned.onnx'), sums({ error: 1 }))
    await using chromium = await openChromium()
    await using server = await serve(folder, { isolated: false })
    const page = await chromium.context.newPage()
    await page.goto(`${server.url}index.html`)
    await page.waitForFunction(() => 'guarding' in globalThis)
    const found = await page.evaluate(async () => {
      const { cascade, monitor, readGuard, recordBaseline, wasm } = guarding
      const load = async (name: string) => wasm.load(new Uint8Array(await (await fetch(name)).arrayBuffer()))
      const rows = (values: readonly number[]) => {
        const dims = [values.length, 1]
        const mask = new BigInt64Array(values.length).fill(1n)
        return {
          x: { type: 'float32', dims, data: Float32Array.from(values) },
          attention_mask: { type: 'int64', dims, data: mask },
        }
      }
      const recorder = recordBaseline(await load('pruned.onnx'))
      await recorder.run(rows(Array.from({ length: 200 }, (_, i) => 5 + (i % 7) / 10)))
      const share = { estimate: 0, low: 0, high: 1 }
      const counts = { examples: 200, disagreements: 0, remaining: 0 }
      const promise = { uncertainty: 'margin', threshold: -2.5, agreement: 0.9, confidence: 0.9 }
      const content = { format: 1, cascade: { ...promise, ...counts, share }, monitor: recorder.baseline() }
      const guard = readGuard(JSON.stringify(content), 'guard.json')
      const watched = monitor(recorder, guard.monitor)
      const guarded = cascade({ ...guard.cascade, pruned: watched, dense: await load('dense.onnx') })
      const outputs = await guarded.run(rows([4, -0.5, 0.25, ...Array<number>(30).fill(3)]))
      const logits = Array.from(outputs.logits?.data as Float32Array).slice(0, 6)
      const [statistics, { alarms }] = [guarded.statistics(), watched.statistics()]
      await guarded.dispose()
      return { logits, statistics, alarms: alarms.length }
    })
    // the pruned model is wrong by 1; what is uncertain got the dense answer
    expect(found.logits).toEqual([5, -5, -0.5, 0.5, 0.25, -0.25])
    expect(found.statistics).toEqual({ runs: 1, inputs: 33, dense: 2 })
    expect(found.alarms).toBeGreaterThan(0)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
