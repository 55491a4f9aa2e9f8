import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { eventually, outcomeOf } from './page-objects.ts'
import type { Site } from './site.ts'

const SPAM =
  'You have won . Click here to claim your FREE cash prize now, no risk, limited offer, reply with your bank details!'

export function mailTests(site: Site): void {
  let page: Page
  let outcome: ReturnType<typeof outcomeOf>
  beforeAll(async () => {
    page = await site.open('mail')
    outcome = outcomeOf(page)
  })
  beforeEach(() => outcome.settled())
  afterAll(() => page.close())

  test('shows an example at once, already pruned', async () => {
    expect(await outcome.tokens.count()).toBeGreaterThan(80)
    expect(await outcome.gone.count()).toBeGreaterThan(await outcome.kept.count())
  })

  test('fades the words of a typed mail, and shows both answers', async () => {
    await page.getByLabel('A mail, or any text').fill('')
    await page.getByLabel('A mail, or any text').pressSequentially(SPAM)
    const words = page.getByTestId('words')
    await eventually(() => words.textContent()).toBe(SPAM)
    expect(await outcome.kept.allTextContents()).not.toHaveLength(0)
    const colours = (locator: typeof outcome.gone) => locator.first().evaluate((word) => getComputedStyle(word).color)
    await eventually(() => colours(outcome.gone)).not.toBe(await colours(outcome.kept))
    expect(await outcome.name('dense').textContent()).toBe('spam')
    expect(await outcome.name('pruned').textContent()).toBe('spam')
  })

  test('keeps fewer words as the slider moves, and shows each layer', async () => {
    const before = await outcome.kept.count()
    await outcome.slider.focus()
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowLeft')
    await eventually(() => outcome.kept.count()).toBeLessThan(before)
    await page.getByLabel('At first').check()
    expect(await outcome.gone.count()).toBe(0)
    await page.getByLabel('Layer 2', { exact: false }).check()
    const atSecond = await outcome.gone.count()
    await page.getByLabel('Layer 6', { exact: false }).check()
    expect(await outcome.gone.count()).toBeGreaterThan(atSecond)
  })

  test('keeps the first words with another method, "truncate"', async () => {
    await page.getByLabel('Who decides').selectOption('truncate')
    const left = () => outcome.tokens.evaluateAll((words) => words.map((word) => word.getAttribute('data-pruned-at')))
    await eventually(async () => {
      const stays = (await left()).map((value) => value === 'kept')
      return stays.lastIndexOf(true) === stays.filter(Boolean).length - 1
    }).toBe(true)
    expect(await page.getByLabel('The plan as JSON').inputValue()).toContain('"method": "truncate"')
  })

  test('says so where a method merges, and lets layers be chosen', async () => {
    await page.getByLabel('Who decides').selectOption('tome')
    await page.getByText('This method merges').waitFor()
    for (const layer of ['2', '3', '5', '6']) await page.getByRole('checkbox', { name: layer }).uncheck()
    await eventually(() => page.getByLabel('The plan as JSON').inputValue()).toContain('"layers": [3]')
    await eventually(() => page.locator('.layers .name').allTextContents()).toEqual(['At first', 'Layer 4'])
  })

  test('shows times as a distribution, and accuracy with an interval, and can be stopped', async () => {
    await page.getByTestId('speed-up').waitFor()
    await eventually(() => page.locator('.latency circle').count()).toBeGreaterThanOrEqual(10)
    await page.getByTestId('accuracy-pruned').waitFor()
    const card = page.locator('.card.accuracy')
    await card.getByRole('button', { name: 'Stop' }).click()
    const done = await card.getByText(/ of 158 mails/).textContent()
    expect(await card.getByTestId('accuracy-pruned').textContent()).toMatch(/\d+\.\d %.*\d+\.\d – \d+\.\d/)
    await card.getByRole('button', { name: 'Measure' }).waitFor()
    expect(await card.getByText(/ of 158 mails/).textContent()).toBe(done)
    await card.getByRole('button', { name: 'Measure' }).click()
    await eventually(() => card.getByText(/ of 158 mails/).textContent()).not.toBe(done)
  })
}
