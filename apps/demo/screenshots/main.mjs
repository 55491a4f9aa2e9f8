// Writes docs/demo/*.png, and the image for those who link to the page, from the page as it was built last.
import { fileURLToPath } from 'node:url'
import { openChromium } from 'browser-tests'
import sharp from 'sharp'
import { preview } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const docs = fileURLToPath(new URL('../../../docs/demo/', import.meta.url))

/** @typedef {{ file: string, tab: string, colorScheme: 'light' | 'dark', width: number, height: number }} Shot */

/** @type {readonly Shot[]} */
const shots = [
  { file: `${docs}light.png`, tab: 'mail', colorScheme: 'light', width: 1440, height: 900 },
  { file: `${docs}dark.png`, tab: 'digit', colorScheme: 'dark', width: 1440, height: 900 },
  { file: `${docs}phone.png`, tab: 'mail', colorScheme: 'light', width: 390, height: 1300 },
  { file: `${root}public/preview.png`, tab: 'mail', colorScheme: 'light', width: 1200, height: 630 },
]

const server = await preview({ root, logLevel: 'error' })
const chromium = await openChromium()
try {
  for (const { file, tab, colorScheme, width, height } of shots) {
    const page = await chromium.context.newPage()
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.setViewportSize({ width, height })
    await page.goto(`${server.resolvedUrls?.local[0]}#${tab}`)
    await page.locator('.race:is([data-stage="measuring"], [data-stage="done"])').waitFor({ timeout: 60_000 })
    await sharp(await page.screenshot())
      .png({ palette: true })
      .toFile(file)
    await page.close()
  }
} finally {
  await chromium[Symbol.asyncDispose]()
  await server.close()
}
