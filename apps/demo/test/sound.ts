import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { sharedFolder } from 'exported-encoders'
import { expect, test } from 'vitest'
import { eventually, outcomeOf } from './page-objects.ts'
import type { DemoSite } from './site.ts'

const model = join(sharedFolder, 'models/kwt1/model.onnx')
const sound = join(sharedFolder, 'data/keywords/yes__flite_slt.wav')
/** Position of "yes" among the classes of the model, which has no config.json. */
const YES = 2

const RECORDED_MS = 1200

export function soundTests({ page, show }: DemoSite): void {
  const why = existsSync(model) ? '' : ' (skipped: there is no shared folder)'
  test.skipIf(why !== '')(
    `reads a sound by a model of speech, slice by slice${why}`,
    { tags: 'exhaustive' },
    async () => {
      await show('own')
      const outcome = outcomeOf(page)
      await page.getByLabel('Choose your .onnx file and what belongs to it, or drop them here').setInputFiles(model)
      await page.getByText('An encoder of 12 layers').waitFor()
      // Before anything is given it listens to a tone.
      await outcome.settled()
      const field = page.getByLabel('Choose a sound, or drop one here')
      await field.setInputFiles({ name: 'notes.wav', mimeType: 'audio/wav', buffer: Buffer.from('no sound') })
      await page.getByRole('alert').filter({ hasText: 'notes.wav is not a sound' }).waitFor()
      await field.setInputFiles(sound)
      await outcome.settled()
      expect(await outcome.tokens.count()).toBe(98)
      expect(await outcome.gone.count()).toBeGreaterThan(0)
      expect(await outcome.name('dense').textContent()).toBe(`class ${YES}`)
      const before = await outcome.kept.count()
      await outcome.slider.fill('60')
      await eventually(() => outcome.kept.count()).toBeLessThan(before)
      const image = () =>
        page.locator('.shown .columns canvas').evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL())
      const chosen = await image()
      await page.getByRole('button', { name: 'Record' }).click()
      await page.waitForTimeout(RECORDED_MS)
      await page.getByRole('button', { name: 'Stop recording' }).click()
      await eventually(image).not.toBe(chosen)
      await outcome.settled()
    },
  )
}
