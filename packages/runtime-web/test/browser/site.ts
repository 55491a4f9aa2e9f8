import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openChromium, serve } from 'browser-tests'
import type { Page } from 'playwright-core'
import { buildPage } from './build-page.ts'

export interface RuntimeTestSite {
  /** The files that are served; files may be added. */
  readonly folder: string
  /** Addresses of onnxruntime's wasm as the bundler has put it there. */
  readonly wasm: readonly string[]
  /** A new page, on a server that sends the headers for threads or on one that does not. */
  open(headers: 'isolated' | 'plain'): Promise<Page>
  close(): Promise<void>
}

/** The bundled test page in a Chromium, with onnxruntime's own files in the folder `ort`. */
export async function openSite(): Promise<RuntimeTestSite> {
  const folder = await mkdtemp(join(tmpdir(), 'tp-page-'))
  await buildPage('index.html', folder)
  const ort = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'))
  await mkdir(join(folder, 'ort'))
  for (const file of ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm']) {
    await copyFile(join(ort, file), join(folder, 'ort', file))
  }
  const chromium = await openChromium()
  const servers = { isolated: await serve(folder, { isolated: true }), plain: await serve(folder, { isolated: false }) }
  const assets = await readdir(join(folder, 'assets'))
  return {
    folder,
    wasm: assets.filter((name) => name.endsWith('.wasm')).map((name) => `assets/${name}`),
    async open(headers) {
      const page = await chromium.context.newPage()
      await page.addInitScript(recordMemories)
      await page.goto(`${servers[headers].url}index.html`)
      await page.waitForFunction(() => 'tp' in globalThis)
      return page
    },
    async close() {
      await chromium[Symbol.asyncDispose]()
      for (const server of Object.values(servers)) await server[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

declare global {
  /** Every memory of WebAssembly that the page itself has created. */
  var memories: WebAssembly.Memory[]
}

function recordMemories(): void {
  globalThis.memories = []
  const { Memory } = WebAssembly
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, [descriptor]) {
      const memory = new target(descriptor)
      globalThis.memories.push(memory)
      return memory
    },
  })
}
