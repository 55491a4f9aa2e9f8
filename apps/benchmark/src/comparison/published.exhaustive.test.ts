import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'
import axe from 'axe-core'
import { openChromium } from 'browser-tests'
import { afterAll, beforeAll, expect, test } from 'vitest'

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-published-'))
  await writeFile(join(folder, 'results.jsonl'), gunzipSync(await readFile(path('published.jsonl.gz'))))
  // without the shared folder: the models of the project are enough
  const env = { ...process.env, TP_SHARED: join(folder, 'nothing') }
  const args = [path('dist/cli.js'), '--report', '--out', folder]
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  expect(status, stderr).toBe(0)
}, 120_000)
afterAll(() => rm(folder, { recursive: true }))

test('the report of the published results has its parts', async () => {
  const page = await readFile(join(folder, 'report.html'), 'utf8')
  for (const heading of ['In short', 'use this', 'Accuracy and speed', 'Latency by length and batch', 'Under shift']) {
    expect(page).toContain(heading)
  }
  expect(page).toContain('mail: spam or not')
})

test('the report needs nothing else, fits a phone, and passes axe in light and dark', {
  timeout: 120_000,
}, async () => {
  await using chromium = await openChromium()
  const page = await chromium.context.newPage()
  const requested: string[] = []
  page.on('request', (request) => requested.push(request.url()))
  const report = pathToFileURL(join(folder, 'report.html')).href
  await page.goto(report)
  expect(requested).toEqual([report])
  for (const details of await page.locator('summary').all()) await details.click()
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.evaluate(axe.source)
    const found = await page.evaluate(async () => {
      const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run()
      return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
    })
    expect(found).toEqual([])
  }
  await page.setViewportSize({ width: 360, height: 740 })
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
  const cut = await page
    .locator('.scroll')
    .evaluateAll((all) => all.filter((element) => element.scrollWidth > element.clientWidth).length)
  expect(cut).toBe(0)
})
