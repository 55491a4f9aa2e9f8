import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TimesInTurns, TurnOptions } from '@tp/compare'
import type { NamedTensors, SessionOptions } from '@tp/core/runtime'
import { openChromium, serve } from 'browser-tests'
import { build } from 'vite'
import { type Timer, withinLimits } from '../measure/times.ts'
import type {} from './page.ts'

/** A page in Chromium that holds models and times them. */
export interface ChromiumPage extends AsyncDisposable {
  readonly version: string
  load(name: string, file: Uint8Array, runtime: 'wasm' | 'webgpu', options: SessionOptions): Promise<void>
  run(name: string, feeds: NamedTensors): Promise<NamedTensors>
  /** All that is loaded, in turns and all inside the page; the first is what speed-ups refer to. */
  compare(inputs: readonly NamedTensors[], options: Pick<TurnOptions, 'rounds' | 'budgetMs'>): Promise<TimesInTurns>
  /** Disposes of what is loaded. */
  clear(): Promise<void>
}

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The page is cross-origin isolated: it may have threads, in a worker. */
export async function openChromiumPage(): Promise<ChromiumPage> {
  const folder = await mkdtemp(join(tmpdir(), 'tp-benchmark-page-'))
  await build({
    configFile: false,
    root,
    base: './',
    logLevel: 'error',
    build: {
      outDir: folder,
      emptyOutDir: true,
      reportCompressedSize: false,
      rolldownOptions: { input: join(root, 'page.html') },
    },
  })
  const server = await serve(folder, { isolated: true })
  const chromium = await openChromium()
  const page = await chromium.context.newPage()
  await page.goto(`${server.url}page.html`)
  await page.waitForFunction(() => 'benchmark' in globalThis)
  let files = 0
  return {
    version: chromium.context.browser()?.version() ?? 'unknown',
    async load(name, file, runtime, options) {
      const url = `${files++}.onnx`
      await writeFile(join(folder, url), file)
      try {
        await page.evaluate(([name, url, runtime, options]) => benchmark.load(name, url, runtime, options), [
          name,
          url,
          runtime,
          options,
        ] as const)
      } finally {
        await rm(join(folder, url))
      }
    },
    run: (name, feeds) => page.evaluate(([name, feeds]) => benchmark.run(name, feeds), [name, feeds] as const),
    async compare(inputs, options) {
      for (const feeds of inputs) await page.evaluate((feeds) => benchmark.addInputs(feeds), feeds)
      return page.evaluate((options) => benchmark.compare(options), options)
    },
    clear: () => page.evaluate(() => benchmark.clear()),
    async [Symbol.asyncDispose]() {
      await chromium[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Models in turns on the page. It has one set of inputs for all, so that nothing can be cut. */
export function pageTimer(page: ChromiumPage, options: SessionOptions = { threads: 1 }): Timer {
  return async (files, inputs, { rounds, budgetMs }) => {
    try {
      for (const [i, file] of files.entries()) await page.load(`${i}`, file, 'wasm', options)
      return (await page.compare(inputs, withinLimits({ rounds, budgetMs }))).latencies
    } finally {
      await page.clear()
    }
  }
}
