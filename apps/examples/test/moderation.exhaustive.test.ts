import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { mailData } from '@tp/models'
import { openChromium, serve } from 'browser-tests'
import { expect, test } from 'vitest'

const folder = fileURLToPath(new URL('../moderation', import.meta.url))

test('a page moderates what is typed in its worker, and prunes the model only once', { timeout: 300_000 }, async () => {
  await promisify(execFile)('npm', ['run', 'build'], { cwd: folder, shell: process.platform === 'win32' })
  await using served = await serve(join(folder, 'dist'), { isolated: false })
  await using chromium = await openChromium()
  const page = await chromium.context.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  const models: string[] = []
  page.on('response', (response) => {
    if (response.url().endsWith('model.onnx')) models.push(response.url())
  })
  const verdictOn = async (text: string): Promise<string> => {
    await page.locator('textarea').fill(text)
    const verdict = page.locator('output', { hasText: '%' })
    return (await verdict.textContent({ timeout: 120_000 })) as string
  }
  const mails = mailData('test')
  const [ham, spam] = [0, 1].map(
    (label) => mails.find((mail) => mail.label === label && mail.text.length > 400 && mail.text.length < 1200)?.text,
  )
  for (const visit of ['first', 'second']) {
    await page.goto(`${served.url}index.html`)
    expect(await verdictOn(spam as string), visit).toMatch(/^spam \(/)
    expect(await verdictOn(ham as string), visit).toMatch(/^fine \(/)
  }
  expect(problems).toEqual([])
  // The second visit finds the pruned file in the cache.
  expect(models).toHaveLength(1)
})
