// Writes docs/demo/*.png from the page as it was built last.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openChromium } from 'browser-tests'
import sharp from 'sharp'
import { preview } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const docs = fileURLToPath(new URL('../../../docs/demo/', import.meta.url))

/** @typedef {{ name: string, tab: string, colorScheme: 'light' | 'dark', width: number, height?: number }} Shot */

/** @type {readonly Shot[]} `height`: not the whole page */
const shots = [
  { name: 'light', tab: 'mail', colorScheme: 'light', width: 1080 },
  { name: 'dark', tab: 'digit', colorScheme: 'dark', width: 1080 },
  { name: 'phone', tab: 'mail', colorScheme: 'light', width: 390, height: 1700 },
]

const server = await preview({ root, logLevel: 'error' })
const chromium = await openChromium()
try {
  for (const { name, tab, colorScheme, width, height } of shots) {
    const page = await chromium.context.newPage()
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.setViewportSize({ width, height: height ?? 900 })
    await page.goto(`${server.resolvedUrls?.local[0]}#${tab}`)
    await page.locator('.bench[data-stage="done"]').waitFor({ timeout: 60_000 })
    const image = await page.screenshot({ fullPage: height === undefined })
    await sharp(image)
      .png({ palette: true })
      .toFile(join(docs, `${name}.png`))
    await page.close()
  }
} finally {
  await chromium[Symbol.asyncDispose]()
  await server.close()
}
