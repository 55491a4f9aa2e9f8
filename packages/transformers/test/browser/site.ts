import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openChromium, serve } from 'browser-tests'
import type { Page } from 'playwright-core'
import { build } from 'vite'

export interface PipelineTestSite extends AsyncDisposable {
  /** The files that are served; models belong into `models`. */
  readonly folder: string
  /** Addresses outside of the server that any page has asked for. */
  readonly strangers: readonly string[]
  open(): Promise<Page>
}

/** The test page, bundled by Vite as a user would, in a Chromium. */
export async function openSite(): Promise<PipelineTestSite> {
  const folder = await mkdtemp(join(tmpdir(), 'tp-page-'))
  await build({
    configFile: false,
    root: fileURLToPath(new URL('page', import.meta.url)),
    base: './',
    logLevel: 'error',
    worker: { format: 'es' },
    build: { outDir: folder, emptyOutDir: true, reportCompressedSize: false },
  })
  await copyRuntime(join(folder, 'ort'))
  const chromium = await openChromium()
  const server = await serve(folder, { isolated: true })
  const strangers: string[] = []
  chromium.context.on('request', (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(server.url)) strangers.push(request.url())
  })
  return {
    folder,
    strangers,
    async open() {
      const page = await chromium.context.newPage()
      await page.goto(`${server.url}index.html`)
      await page.waitForFunction(() => 'library' in globalThis)
      return page
    },
    async [Symbol.asyncDispose]() {
      await chromium[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The files of the onnxruntime-web that transformers.js brings, which it would fetch from a CDN otherwise. */
async function copyRuntime(to: string): Promise<void> {
  const transformers = createRequire(import.meta.url).resolve('@huggingface/transformers')
  const from = dirname(createRequire(transformers).resolve('onnxruntime-web'))
  await mkdir(to)
  for (const file of ['ort-wasm-simd-threaded.asyncify.mjs', 'ort-wasm-simd-threaded.asyncify.wasm']) {
    await copyFile(join(from, file), join(to, file))
  }
}
