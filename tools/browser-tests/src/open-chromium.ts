import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium } from 'playwright-core'
import { findChromium } from './chromium.ts'

/** Disposal removes all its files. */
export interface Chromium extends AsyncDisposable {
  readonly context: BrowserContext
}

/**
 * A Chromium without a window that asks nothing of the network, with WebGPU computed on the processor.
 * `extension`: the folder of one that it loads.
 */
export async function openChromium({ extension }: { readonly extension?: string } = {}): Promise<Chromium> {
  const executablePath = findChromium()
  if (executablePath === undefined) {
    throw new Error('There is no Chromium; "npm test" installs one, and CHROMIUM_PATH can say where one is.')
  }
  // Only with a folder for its files does it keep compiled wasm for the next worker.
  const profile = await mkdtemp(join(tmpdir(), 'tp-chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    timeout: 20_000,
    args: [
      '--no-sandbox', // which root cannot use
      '--enable-unsafe-webgpu',
      '--disable-gpu-compositing', // where no graphics device is, its process can hang, and then no page is drawn again
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--disable-quic',
      '--use-fake-device-for-media-stream', // a microphone that beeps
      '--use-fake-ui-for-media-stream', // which pages may use unasked
      ...(extension === undefined ? [] : [`--load-extension=${extension}`, `--disable-extensions-except=${extension}`]),
    ],
    ...(extension === undefined ? {} : { ignoreDefaultArgs: ['--disable-extensions'] }),
  })
  return {
    context,
    async [Symbol.asyncDispose]() {
      await context.close()
      await rm(profile, { recursive: true, force: true })
    },
  }
}
