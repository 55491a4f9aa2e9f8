import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { choose, eventually, outcomeOf } from './page-objects.ts'
import type { DemoSite } from './site.ts'

const DESCRIPTION = 'keeps tokens by received attention times the norm of their state'

export function addedMethodTests({ page, show }: DemoSite): void {
  const outcome = outcomeOf(page)
  let bundle = ''
  beforeAll(async () => {
    bundle = await bundled()
  })

  async function openAt(tab: string): Promise<void> {
    await show(tab)
    await outcome.settled()
    await page.locator('.add-method').evaluate((details: HTMLDetailsElement) => details.setAttribute('open', ''))
  }

  test('refuses what cannot be added, with the reason', async () => {
    await openAt('mail')
    const before = await page.getByLabel('Pruning method').inputValue()
    const alert = page.locator('.add-method').getByRole('alert')
    const cases: readonly (readonly [text: string, reason: string])[] = [
      [
        "import { scorer } from '@tp/core'\nexport default scorer",
        'a page needs a module with all that it imports in it',
      ],
      ['export const x = 1', 'no default export of the form { contractVersion, methods'],
      [
        bundle.replace(/contractVersion: 1,/, 'contractVersion: 2,'),
        'built for version 2 of the plugin contract, this is version 1; update the @tp packages',
      ],
      [bundle.replaceAll('norm-times-attention', 'random'), 'it has a method "random", but so has this page'],
    ]
    for (const [text, reason] of cases) {
      await give(page, text)
      await alert.filter({ hasText: reason }).waitFor()
      expect(await page.getByLabel('Pruning method').inputValue()).toBe(before)
    }
    await page.getByLabel('Or its address').fill('http://127.0.0.1:9/none.js')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await alert.filter({ hasText: '[http://127.0.0.1:9/none.js] it cannot be loaded' }).waitFor()
  })

  test('adds a plugin as a file, prunes with it at once, and again when it has changed', {
    tags: 'exhaustive',
  }, async () => {
    const before = await outcome.prunedAt()
    await give(page, bundle)
    await page.locator('.add-method').getByRole('alert').waitFor({ state: 'detached' })
    await eventually(() => page.getByLabel('Pruning method').inputValue()).toBe('norm-times-attention')
    await page.getByText(DESCRIPTION).waitFor()
    expect(await page.getByLabel('The plan as JSON').inputValue()).toContain('"method": "norm-times-attention"')
    await eventually(outcome.prunedAt).not.toEqual(before)
    await outcome.settled()
    await page.getByRole('button', { name: 'Download the pruned model', disabled: false }).waitFor()
    const first = await outcome.prunedAt()

    // The score turned round: what was kept is pruned first.
    const score = 'mul(site.received, pow(norm, power))'
    expect(bundle).toContain(score)
    await give(page, bundle.replace(DESCRIPTION, 'keeps the others').replace(score, `mul(${score}, -1)`))
    await page.getByText('keeps the others').waitFor()
    await eventually(outcome.prunedAt).not.toEqual(first)
    await outcome.settled()
    await choose(page, 'Balanced')
  })
}

async function give(page: Page, text: string): Promise<void> {
  const file = { name: 'bundle.js', mimeType: 'text/javascript', buffer: Buffer.from(text) }
  await page.getByLabel('Choose its module, or drop it here').setInputFiles(file)
}

/** The example plugin in one file, as its `npm run bundle` makes it. */
async function bundled(): Promise<string> {
  const entry = fileURLToPath(import.meta.resolve('tp-example-plugin'))
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: 'esm', write: false })
  return outputFiles[0]?.text ?? ''
}
