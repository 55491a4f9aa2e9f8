import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { mailData } from '@tp/models'
import { nodeRuntime } from '@tp/runtime-node'
import { type Chromium, openChromium, type Served, serve } from 'browser-tests'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { softmax, textInputs } from '../node/vectors.mjs'

const folder = fileURLToPath(new URL('../extension', import.meta.url))
const site = mkdtempSync(join(tmpdir(), 'tp-extension-'))
const mails = mailData('test').filter(({ text }) => text.length > 300 && text.length < 2000)
const texts = [0, 1]
  .flatMap((label) => mails.filter((mail) => mail.label === label).slice(0, 6))
  .map(({ text }) => text)
let chromium: Chromium
let served: Served

beforeAll(async () => {
  await promisify(execFile)('npm', ['run', 'build'], { cwd: folder, shell: process.platform === 'win32' })
  chromium = await openChromium({ extension: join(folder, 'dist') })
  writeFileSync(join(site, 'index.html'), pageOf(texts.slice(0, 10)))
  served = await serve(site, { isolated: false })
}, 300_000)
afterAll(async () => {
  await served?.[Symbol.asyncDispose]()
  await chromium?.[Symbol.asyncDispose]()
  rmSync(site, { recursive: true, force: true })
})

function pageOf(comments: readonly string[]): string {
  const escaped = comments.map((text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;'))
  const blocks = escaped.map((text) => `<pre class="comment">\n${text}</pre>`)
  return `<!doctype html><meta charset="utf-8"><title>An article</title><p>An article</p>${blocks.join('')}`
}

/** The title that the extension has to give to each text, by the same pruned file in Node. */
async function titlesInNode(): Promise<string[]> {
  const inputsOf = textInputs(JSON.parse(readFileSync(join(folder, 'dist/tokenizer.json'), 'utf8')), 512)
  await using session = await nodeRuntime().load(join(folder, 'dist/model.onnx'), { threads: 1 })
  const titles: string[] = []
  for (const text of texts) {
    const { logits } = await session.run(inputsOf(text))
    const [fine = 0, spam = 0] = softmax(logits?.data as Float32Array)
    titles.push(`${spam > fine ? 'spam' : 'fine'} (${(100 * Math.max(fine, spam)).toFixed(1)} %)`)
  }
  return titles
}

test('the extension judges comments in Chromium as the pruned file does in Node, and asks no server', {
  timeout: 120_000,
}, async () => {
  const page = await chromium.context.newPage()
  const strangers: string[] = []
  chromium.context.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(served.url) && !url.startsWith('chrome-extension:')) strangers.push(url)
  })
  const judged = page.locator('.comment[title]')
  const untilJudged = (count: number): Promise<void> =>
    expect.poll(() => judged.count(), { timeout: 60_000 }).toBe(count)
  const add = (text: string | undefined): Promise<void> =>
    page.evaluate((own) => {
      const comment = document.body.appendChild(document.createElement('pre'))
      comment.className = 'comment'
      comment.textContent = own
    }, text as string)

  await page.goto(`${served.url}index.html`)
  await untilJudged(10)
  // A comment that is written while the page is open.
  await add(texts[10])
  await untilJudged(11)
  // The service worker is ended, as Chrome does when it is idle, and starts again for the next comment.
  const worker = (): ReturnType<Chromium['context']['serviceWorkers']>[number] | undefined =>
    chromium.context.serviceWorkers().at(-1)
  await worker()?.evaluate(() => Object.assign(globalThis, { isFirst: true }))
  const devtools = await chromium.context.newCDPSession(page)
  const { targetInfos } = await devtools.send('Target.getTargets')
  for (const { type, targetId } of targetInfos)
    if (type === 'service_worker') await devtools.send('Target.closeTarget', { targetId })
  await add(texts[11])
  await untilJudged(12)
  expect(await worker()?.evaluate(() => 'isFirst' in globalThis)).toBe(false)

  const titles = await judged.evaluateAll((comments) => comments.map((comment) => (comment as HTMLElement).title))
  expect(titles).toEqual(await titlesInNode())
  const filters = await judged.evaluateAll((comments) => comments.map((comment) => getComputedStyle(comment).filter))
  expect(filters.map((filter) => filter !== 'none')).toEqual(titles.map((title) => title.startsWith('spam')))
  expect(new Set(titles.map((title) => title.slice(0, 4)))).toEqual(new Set(['fine', 'spam']))
  expect(strangers).toEqual([])
})
