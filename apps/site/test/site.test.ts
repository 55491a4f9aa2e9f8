import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import axe from 'axe-core'
import { openChromium, serve } from 'browser-tests'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'

/** One page of each kind. */
const looked = ['', 'start', 'models', 'methods/', 'methods/sdtp', 'api/compiler', 'results/', 'packages/core']

test('the built site passes axe on desktops and phones, light and dark, below any path, and can be searched', {
  tags: 'exhaustive',
  timeout: 900_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tp-site-'))
  try {
    // As a process of its own, since what is built depends on NODE_ENV, which is "test" here.
    const args = [
      fileURLToPath(new URL('../dist/main.js', import.meta.url)),
      '--base',
      '/below/',
      '--out',
      join(folder, 'below'),
    ]
    await promisify(execFile)(process.execPath, args, { env: { ...process.env, NODE_ENV: 'production' } })
    await using served = await serve(folder, { isolated: false })
    await using chromium = await openChromium()
    const page = await chromium.context.newPage()
    const problems: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(`${page.url()}: ${message.text()}`)
    })
    page.on('response', (response) => {
      if (response.status() >= 400) problems.push(`${response.url()}: ${response.status()}`)
    })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      for (const width of [1440, 390]) {
        await page.setViewportSize({ width, height: 900 })
        for (const path of looked) {
          await page.goto(`${served.url}below/${path}`)
          problems.push(...(await problemsOf(page)).map((what) => `/${path}, ${width}, ${colorScheme}: ${what}`))
        }
      }
    }
    // Every page fits on a phone; what is wide scrolls by itself.
    await page.setViewportSize({ width: 390, height: 844 })
    for (const path of await readdir(join(folder, 'below'), { recursive: true })) {
      if (!path.endsWith('.html') || /^(demo|results\/benchmark)/.test(path)) continue
      await page.goto(`${served.url}below/${path}`)
      const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      if (over > 0) problems.push(`/${path}: ${over} pixels too wide for a phone`)
    }
    expect(problems).toEqual([])

    await page.setViewportSize({ width: 1440, height: 900 })
    await page.goto(`${served.url}below/start`)
    await page.getByRole('button', { name: 'Search' }).first().click()
    await page.getByRole('searchbox').fill('thin-padding')
    await page.getByRole('option').first().click()
    await page.waitForURL(/below\/.*thin-padding|below\/speech/)
    for (const [word, address] of [
      ['GPU', /below\/choose/],
      ['python', /below\/folders/],
      ['quantize', /below\/eight-bits/],
    ] as const) {
      await page.goto(`${served.url}below/start`)
      await page.getByRole('button', { name: 'Search' }).first().click()
      await page.getByRole('searchbox').fill(word)
      const first = page.getByRole('option').first()
      // An excerpt shows the word where it stands.
      await first.locator('.excerpt mark').first().waitFor()
      await first.click()
      await page.waitForURL(address)
    }
    await page.goto(`${served.url}below/demo/`)
    await page.getByRole('heading', { level: 1 }).waitFor()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

/** Findings of axe, and pages that are wider than their window. */
async function problemsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run()
    const over = document.documentElement.scrollWidth - window.innerWidth
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`)
    return over > 0 ? [...found, `${over} pixels too wide`] : found
  })
}
