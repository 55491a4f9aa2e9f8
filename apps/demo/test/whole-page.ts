import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { choose, eventually, outcomeOf } from './page-objects.ts'
import type { DemoSite } from './site.ts'

const FIRST_LOAD_BYTES = 8e6
const tabs = ['mail', 'digit', 'image', 'sound', 'own']

export function wholePageTests({ page, url, requests, elsewhere, bytesSent }: DemoSite): void {
  test('loads little first, nothing from elsewhere, and needs no network afterwards; its address keeps the settings', async () => {
    const outcome = outcomeOf(page)
    await outcome.settled()
    await page.getByTestId('accuracy-pruned').waitFor()
    expect(bytesSent()).toBeLessThan(FIRST_LOAD_BYTES)
    expect(page.url()).toBe(`${url}#mail`)
    await eventually(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true)
    await eventually(() => page.evaluate(notKept)).toEqual([])
    const requested = requests.length
    await page.context().setOffline(true)
    const before = await outcome.kept.count()
    await outcome.slider.fill('40')
    await eventually(() => outcome.kept.count()).toBeLessThan(before)
    const kept = await outcome.kept.count()
    expect(page.url()).toBe(`${url}#mail?method=cls-attention&keep=0.4&layers=1,2,3,4`)
    await page.reload()
    await outcome.settled()
    await eventually(() => outcome.kept.count()).toBe(kept)
    expect(await outcome.slider.inputValue()).toBe('40')
    // The browser looks for a new service worker by itself.
    expect(requests.slice(requested).filter((path) => path !== '/service-worker.js')).toEqual([])
    expect(elsewhere).toEqual([])
    await page.context().setOffline(false)
    await choose(page, 'Balanced')
  })

  test('isolates the page, so that models may have threads', async () => {
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
  })

  test('links to the repository, and has an image for those who link to it', async () => {
    expect(await page.getByRole('link', { name: 'Source code' }).getAttribute('href')).toMatch(
      /^https:\/\/github\.com\//,
    )
    const image = await page.locator('meta[property="og:image"]').getAttribute('content')
    const response = await page.request.get(new URL(image as string, url).href)
    expect(response.headers()['content-type']).toBe('image/png')
    expect((await response.body()).length).toBeLessThan(150_000)
  })
}

/** Files that the page has loaded, but could not load again without a network. */
async function notKept(): Promise<string[]> {
  const loaded = performance.getEntriesByType('resource').map(({ name }) => name)
  const own = [location.href, ...loaded].filter((address) => address.startsWith(location.origin))
  const found = await Promise.all(own.map((address) => caches.match(address, { ignoreVary: true })))
  return own.filter((_, i) => found[i] === undefined)
}

/** Beginning with the tab of mails. */
export function tabTests({ page, url, show }: DemoSite): void {
  for (const [i, tab] of tabs.entries())
    test(`${tab}: fits a phone, and passes axe in light and dark`, {
      tags: i === 0 ? [] : 'exhaustive',
    }, async () => {
      await show(tab)
      await page.emulateMedia({ colorScheme: 'light' })
      if (tab !== 'sound' && tab !== 'own') {
        await outcomeOf(page).settled()
        await page.getByRole('button', { name: 'Download the pruned model', disabled: false }).waitFor()
        await page.locator('.add-method').evaluate((details: HTMLDetailsElement) => details.setAttribute('open', ''))
      }
      expect(await violations(page)).toEqual([])
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await violations(page)).toEqual([])
      const { width, height } = page.viewportSize() as { width: number; height: number }
      await page.setViewportSize({ width: 360, height: 740 })
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
      await page.setViewportSize({ width, height })
      await page.emulateMedia({ colorScheme: 'light' })
    })

  test('shows the tab of its address on a phone, where the tabs are wider than the screen', async () => {
    const phone = await page.context().newPage()
    await phone.setViewportSize({ width: 360, height: 740 })
    await phone.goto(`${url}#own`)
    const right = async () => {
      const { x = 0, width = 0 } = (await phone.getByRole('tab', { selected: true }).boundingBox()) ?? {}
      return x + width
    }
    await eventually(right).toBeLessThanOrEqual(360)
    await phone.close()
    await page.bringToFront()
  })

  test('switches tabs by keyboard', async () => {
    await page.getByRole('tab', { name: 'Sound' }).click()
    await page.keyboard.press('ArrowRight')
    expect(await page.locator(':focus').textContent()).toBe('Your own model')
    await page.keyboard.press('ArrowLeft')
    expect(await page.getByRole('tab', { selected: true }).textContent()).toBe('Sound')
    await page.keyboard.press('End')
    expect(await page.locator(':focus').textContent()).toBe('Your own model')
  })
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run()
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
  })
}
