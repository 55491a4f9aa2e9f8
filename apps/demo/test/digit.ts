import { expect, test } from 'vitest'
import { eventually, outcomeOf } from './page-objects.ts'
import type { DemoSite } from './site.ts'

export function digitTests({ page, show }: DemoSite): void {
  const outcome = outcomeOf(page)

  test('reads a digit drawn with the mouse', async () => {
    await show('digit')
    await outcome.settled()
    // The page grows once more when times are known.
    await outcome.speed.waitFor()
    const square = page.getByRole('img', { name: 'Where to draw' })
    await square.scrollIntoViewIfNeeded()
    const pad = await square.boundingBox()
    if (pad === null) throw new Error('there is nowhere to draw')
    const at = (x: number, y: number) => [pad.x + x * pad.width, pad.y + y * pad.height] as const
    await page.mouse.move(...at(0.25, 0.2))
    await page.mouse.down()
    await page.mouse.move(...at(0.75, 0.2), { steps: 10 })
    await page.mouse.move(...at(0.45, 0.85), { steps: 10 })
    await page.mouse.up()
    await eventually(() => outcome.name('dense').textContent()).toBe('7')
    await eventually(() => outcome.name('pruned').textContent()).toBe('7')
    // Neither the answer nor its times move what is under the hand.
    expect((await square.boundingBox())?.y).toBeCloseTo(pad.y, 0)
    await outcome.speed.waitFor()
    expect((await square.boundingBox())?.y).toBeCloseTo(pad.y, 0)
    expect(await outcome.tokens.count()).toBe(196)
    expect(await outcome.gone.count()).toBe(196 - (await outcome.kept.count()))
    const label = await page.getByTestId('patches').getAttribute('aria-label')
    expect(label).toBe(`Your image, in patches: ${await outcome.kept.count()} of 196 are kept to the end`)
  })

  test('reads a digit written by keyboard without a mouse', async () => {
    await page.getByRole('button', { name: 'A written 0' }).focus()
    await page.keyboard.press('Enter')
    await eventually(() => outcome.name('dense').textContent()).toBe('0')
  })
}
