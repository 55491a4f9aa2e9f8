import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'

/** Far more than anything takes; only what hangs fails by it. */
const PATIENCE = { timeout: 40_000 }

/** The outcome as a person sees it. */
export function outcomeOf(page: Page) {
  const cells = (value: string): Locator => page.locator(`.shown [data-pruned-at${value}]`)
  const answer = (kind: 'dense' | 'pruned'): Locator => page.getByTestId(`answer-${kind}`)
  return {
    summary: page.locator('output.summary'),
    tokens: cells(''),
    kept: cells('="kept"'),
    gone: page.locator('.shown .gone'),
    slider: page.getByRole('slider', { name: /Keep at each layer/ }),
    speed: page.getByTestId('speed-up'),
    answer,
    /** The first class of an answer. */
    name: (kind: 'dense' | 'pruned'): Locator => answer(kind).locator('.first .name'),
    /** Numbers of an output, as they are shown. */
    async numbers(kind: 'dense' | 'pruned'): Promise<number[]> {
      const texts = await page.locator(`[data-output="${kind}"]`).allTextContents()
      return texts.map(Number)
    },
    /** By which layer each token is pruned. */
    prunedAt: () => cells('').evaluateAll((all) => all.map((token) => token.getAttribute('data-pruned-at'))),
    /** Waits until the outcome belongs to what was set last. */
    async settled(): Promise<void> {
      await page.locator('.outcome[aria-busy="false"] output.summary', { hasText: 'kept to the end' }).waitFor()
    },
  }
}

/**
 * Chooses a radio button by its label, as people do: the button itself is hidden, and a click that is forced goes to where it was, though
 * the page may have moved.
 */
export function choose(page: Page, name: string): Promise<void> {
  return page.locator('label', { has: page.getByRole('radio', { name }) }).click()
}

/** Waits until something that can be counted is as it should be. */
export function eventually<T>(read: () => Promise<T>) {
  return expect.poll(read, { ...PATIENCE, interval: 20 })
}
