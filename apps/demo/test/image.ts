import { beforeAll, test } from 'vitest'
import { eventually, outcomeOf } from './page-objects.ts'
import type { DemoSite } from './site.ts'

export function imageTests({ page, show }: DemoSite): void {
  const outcome = outcomeOf(page)
  beforeAll(async () => {
    await show('image')
    await outcome.settled()
  })

  test('reads a chosen image, and refuses a file that is not an image', async () => {
    await page.getByRole('button', { name: 'Trousers' }).click()
    await eventually(() => outcome.name('dense').textContent()).toBe('Trouser')
    const field = page.getByLabel('Choose an image, or drop one here')
    await field.setInputFiles({ name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('no image') })
    await page.getByRole('alert').filter({ hasText: 'notes.png is not an image' }).waitFor()
    const drawn = await page.locator('.whole canvas').screenshot()
    await field.setInputFiles({ name: 'trousers.png', mimeType: 'image/png', buffer: drawn })
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await outcome.settled()
  })
}
