import type { Worker } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { choose, eventually, outcomeOf } from './page-objects.ts'
import type { DemoSite } from './site.ts'

const SPAM =
  'You have won . Click here to claim your FREE cash prize now, no risk, limited offer, reply with your bank details!'

export function mailTests({ page, show }: DemoSite): void {
  const outcome = outcomeOf(page)
  const text = page.getByLabel('Is it spam? A mail, or any text')
  beforeAll(async () => {
    await show('mail')
    await outcome.settled()
  })

  test('opens on a long mail, with both answers, and says which words are pruned', async () => {
    expect(await outcome.tokens.count()).toBeGreaterThan(300)
    expect(await outcome.gone.count()).toBeGreaterThan(10 * (await outcome.kept.count()))
    expect(await page.getByTestId('lane-answer-dense').textContent()).toContain('ham')
    expect(await page.getByTestId('lane-answer-pruned').textContent()).toContain('ham')
    await page.getByText('The same answer: ham.').first().waitFor()
    const words = page.getByRole('list', { name: 'Words by the layer that prunes them' }).getByRole('listitem')
    const texts = await words.allTextContents()
    expect(texts).toHaveLength(5)
    expect(texts[0]).toMatch(/^Pruned in layer 1: ./)
    expect(texts[4]).toMatch(/^Kept to the end: ./)
  })

  test('copies a link to the text and the setting, which another page opens with', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const before = await text.inputValue()
    await text.fill(`${SPAM} ä & 100 %`)
    await outcome.settled()
    await page.getByRole('button', { name: 'Copy a link' }).click()
    await page.getByText('Copied').waitFor()
    const link = await page.evaluate(() => navigator.clipboard.readText())
    expect(link).toMatch(/#mail\?method=[\w-]+&keep=[\d.]+.*&text=You%20have%20won/)
    const other = await page.context().newPage()
    await other.goto(link)
    await eventually(() => other.getByLabel('Is it spam? A mail, or any text').inputValue()).toBe(`${SPAM} ä & 100 %`)
    await other.reload()
    await eventually(() => other.getByLabel('Is it spam? A mail, or any text').inputValue()).toBe(`${SPAM} ä & 100 %`)
    // An address that is opened where the page is already.
    await other.evaluate(() => {
      location.hash = '#mail?method=truncate&keep=0.3&text=Another'
    })
    await eventually(() => other.getByLabel('Is it spam? A mail, or any text').inputValue()).toBe('Another')
    expect(await other.getByLabel('Pruning method').inputValue()).toBe('truncate')
    await other.close()
    await page.bringToFront()
    await text.fill(before)
    await eventually(() => page.getByText('Copied').count()).toBe(0)
    await outcome.settled()
  })

  test('shows a layer that is chosen', async () => {
    const look = async (layer: number) => {
      await choose(page, `Layer ${layer}:`)
      await eventually(() => page.getByRole('radio', { name: `Layer ${layer}:` }).isChecked()).toBe(true)
    }
    await look(0)
    expect(await outcome.gone.count()).toBe(0)
    await look(1)
    const atFirst = await outcome.gone.count()
    await look(5)
    expect(await outcome.gone.count()).toBeGreaterThan(atFirst)
  })

  test('plays both runs with measured clocks, and pauses', async () => {
    await page.getByRole('button', { name: 'Play' }).waitFor()
    // Read at once: a run may be timed again meanwhile.
    const lanes = () =>
      page.locator('.lane').evaluateAll((all) =>
        all.map((lane) => ({
          clock: lane.querySelector('.clock')?.textContent?.replace(/ ms$/, ''),
          measured: /takes (.*) ms/.exec(lane.querySelector('.hidden')?.textContent ?? '')?.[1],
        })),
      )
    const clocks = async () => (await lanes()).map(({ clock }) => clock)
    let seen: Awaited<ReturnType<typeof lanes>> = []
    const areOver = async () => {
      seen = await lanes()
      return seen.every(({ clock, measured }) => clock === measured)
    }
    await eventually(areOver).toBe(true)
    // Which of them is faster is the machine's affair: another process may take its time from one and not from the other.
    for (const { clock } of seen) expect(Number(clock)).toBeGreaterThan(0)
    await eventually(async () => Number.parseFloat((await outcome.speed.textContent()) ?? '')).toBeGreaterThan(0)
    await page.emulateMedia({ reducedMotion: 'no-preference' })
    await eventually(areOver).toBe(false)
    await page.getByRole('button', { name: 'Pause' }).click()
    // The button says what it does next once the clocks have stopped.
    await page.getByRole('button', { name: 'Play' }).waitFor()
    const paused = await clocks()
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
    expect(await clocks()).toEqual(paused)
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await eventually(areOver).toBe(true)
  })

  test('counts tokens and arithmetic while the slider moves, and keeps no speed of another setting', async () => {
    await outcome.speed.waitFor()
    const counted = page.getByTestId('counted')
    const before = await counted.textContent()
    // Without a rest in which anything could run.
    const during = await outcome.slider.evaluate(async (slider: HTMLInputElement) => {
      slider.value = '30'
      slider.dispatchEvent(new Event('input', { bubbles: true }))
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
      const textOf = (name: string) => document.querySelector(`[data-testid="${name}"]`)?.textContent
      return { counted: textOf('counted'), speed: textOf('speed-up') }
    })
    expect(during.counted).not.toBe(before)
    expect(during.speed).toBeUndefined()
    await eventually(() => page.getByTestId('work').textContent()).toMatch(/^\d+ % of the arithmetic$/)
    await outcome.settled()
    const shown = Number(/(\d+) tokens/.exec(during.counted ?? '')?.[1])
    // The start and the end of a text are tokens that stand for nothing in it.
    expect(Math.abs(shown - (await outcome.kept.count()))).toBeLessThanOrEqual(2)
  })

  test('offers measured settings with what they lose', async () => {
    await choose(page, 'Fast')
    await page
      .getByText('cls-attention, keep 0.1 in layer 0. On 1,257 test examples: No measurable difference')
      .waitFor()
    await eventually(() => page.getByLabel('The plan as JSON').inputValue()).toContain('"keep": 0.1')
    await choose(page, 'Balanced')
    await outcome.slider.fill('45')
    await page.getByText('Your own setting').waitFor()
  })

  test('fades the words of a typed mail, and claims nothing of an empty one', async () => {
    await choose(page, 'Balanced')
    await text.fill(' ')
    await page.getByText('There is no word to read').waitFor()
    expect(await page.getByTestId('counted').count()).toBe(0)
    expect(await page.getByText('The same answer').count()).toBe(0)
    await text.fill('')
    // Not typed at once: whoever stops after the first letter goes on typing where they were.
    await text.press(SPAM.charAt(0))
    await eventually(() => page.getByTestId('words').textContent()).toBe(SPAM.charAt(0))
    await page.keyboard.type(SPAM.slice(1))
    expect(await text.inputValue()).toBe(SPAM)
    await eventually(() => page.getByTestId('words').textContent()).toBe(SPAM)
    await outcome.settled()
    expect(await outcome.kept.allTextContents()).not.toHaveLength(0)
    const colors = (locator: typeof outcome.gone) => locator.first().evaluate((word) => getComputedStyle(word).color)
    await eventually(() => colors(outcome.gone)).not.toBe(await colors(outcome.kept))
    expect(await outcome.name('dense').textContent()).toBe('spam')
    expect(await outcome.name('pruned').textContent()).toBe('spam')
  })

  test('says that a text is not read further only where it is too long', async () => {
    const unknown = '😀'.repeat(80)
    await text.fill(unknown)
    await eventually(() => page.getByTestId('words').textContent()).toBe(unknown)
    await text.fill('word '.repeat(3000))
    await eventually(() => page.getByTestId('words').textContent()).toContain('(the model does not read further)')
    await text.fill(SPAM)
    await outcome.settled()
  })

  test('opens a changed model once, however long somebody types meanwhile', async () => {
    // Until it is shown, the model of the setting before may still be opened, to be timed.
    await outcome.speed.waitFor()
    let opened = 0
    // The page loads its examples in a worker, too.
    const count = (worker: Worker): void => {
      if (/\/wasm-/.test(worker.url())) opened++
    }
    page.on('worker', count)
    await outcome.slider.fill('55')
    await text.pressSequentially(' Call us now', { delay: 200 })
    await outcome.settled()
    await outcome.speed.waitFor()
    page.off('worker', count)
    // With what it prunes, and without, to be timed.
    expect(opened).toBe(2)
  })

  test('keeps the first words with another method, "truncate"', async () => {
    const methods = page.getByLabel('Pruning method')
    // Some need no keep ratio, or values that training finds.
    const offered = await methods.getByRole('option').allTextContents()
    for (const name of ['drop-padding', 'thin-padding', 'lens']) expect(offered).not.toContain(name)
    await methods.selectOption('truncate')
    await eventually(async () => {
      const kept = (await outcome.prunedAt()).map((value) => value === 'kept')
      return kept.lastIndexOf(true) === kept.filter(Boolean).length - 1
    }).toBe(true)
    expect(await page.getByLabel('The plan as JSON').inputValue()).toContain('"method": "truncate"')
  })

  test('says so where a method merges, and lets layers be chosen', async () => {
    await page.getByLabel('Pruning method').selectOption('tome')
    await page.getByText('This method merges').waitFor()
    for (const layer of ['1', '2', '4']) await page.getByRole('checkbox', { name: layer }).uncheck()
    await page.getByRole('checkbox', { name: '3' }).click()
    expect(await page.getByRole('checkbox', { name: '3' }).isChecked()).toBe(true)
    await eventually(() => page.getByLabel('The plan as JSON').inputValue()).toContain('"layers": [3]')
    await outcome.settled()
    const names = () =>
      page.getByRole('radio', { name: /^Layer \d/ }).evaluateAll((all) => all.map((one) => one.ariaLabel))
    await eventually(async () => new Set((await names()).map((name) => name?.split(': ')[1])).size).toBe(2)
  })
}
