import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { eventually, outcomeOf } from './page-objects.ts'
import type { Site } from './site.ts'

const FIRST_LOAD_BYTES = 20e6
const tabs = ['mail', 'digit', 'image', 'sound', 'own']

export function wholePageTests(site: Site): void {
  test('loads little first, nothing from elsewhere, and needs no network afterwards', async () => {
    const before = site.bytesSent()
    const page = await site.openAnew('mail')
    const elsewhere: string[] = []
    page.context().on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(site.url)) elsewhere.push(request.url())
    })
    const outcome = outcomeOf(page)
    await outcome.settled()
    await page.getByTestId('accuracy-pruned').waitFor()
    expect(site.bytesSent() - before).toBeLessThan(FIRST_LOAD_BYTES)
    const asked = site.requests.length
    await page.context().setOffline(true)
    const stay = await outcome.kept.count()
    await outcome.slider.fill('40')
    await eventually(() => outcome.kept.count()).toBeLessThan(stay)
    await page.reload()
    await outcome.settled()
    // The browser looks for a new service worker by itself.
    expect(site.requests.slice(asked).filter((path) => path !== '/service-worker.js')).toEqual([])
    expect(elsewhere).toEqual([])
    await page.context().close()
  })

  test('isolates the page, so that models may have threads', async () => {
    const page = await site.open('mail')
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
    await page.close()
  })

  test('switches tabs by keyboard', async () => {
    const page = await site.open('mail')
    await page.getByRole('tab', { name: 'Mail or text' }).focus()
    await page.keyboard.press('ArrowRight')
    expect(await page.getByRole('tab', { selected: true }).textContent()).toBe('Digit')
    await page.keyboard.press('End')
    expect(await page.locator(':focus').textContent()).toBe('Your own model')
    await page.close()
  })

  for (const [i, tab] of tabs.entries())
    test(`${tab}: fits a phone, and passes axe in light and dark`, {
      tags: i === 0 ? [] : 'exhaustive',
    }, async () => {
      const page = await site.open(tab)
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
      if (tab !== 'sound' && tab !== 'own') {
        await outcomeOf(page).settled()
        await page.getByRole('button', { name: 'Download the pruned model', disabled: false }).waitFor()
        await page.getByText('Add a method', { exact: true }).click()
      }
      expect(await violations(page)).toEqual([])
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await violations(page)).toEqual([])
      await page.setViewportSize({ width: 360, height: 740 })
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
      await page.close()
    })
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run()
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
  })
}
