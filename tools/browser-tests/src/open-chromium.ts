import { type BrowserContext, chromium } from 'playwright-core'
import { findChromium } from './chromium.ts'

/**
 * A Chromium without a window that asks nothing of the network, with WebGPU computed on the processor.
 * `profile`: a folder for its files; only with one does it keep compiled wasm for the next worker.
 */
export async function openChromium(profile: string): Promise<BrowserContext> {
  const executablePath = findChromium()
  if (executablePath === undefined) {
    throw new Error('There is no Chromium; "npm test" installs one, and CHROMIUM_PATH can say where one is.')
  }
  return chromium.launchPersistentContext(profile, {
    executablePath,
    timeout: 20_000,
    args: [
      '--no-sandbox', // which root cannot use
      '--enable-unsafe-webgpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--disable-quic',
      '--use-fake-device-for-media-stream', // a microphone that beeps
      '--use-fake-ui-for-media-stream', // which pages may use unasked
    ],
  })
}
