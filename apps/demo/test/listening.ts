import { join } from 'node:path'
import { addSpeech, openModelFolder, spoken, wavOf } from 'pipeline-models'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { eventually } from './page-objects.ts'
import type { DemoSite } from './site.ts'

const FOLDER = 'Choose the folder of a Whisper model'
const RECORDED_MS = 700

export function listeningTests({ page, show, elsewhere }: DemoSite): void {
  test('a model of the user writes down a sound and a recording, dense and pruned side by side', {
    tags: 'exhaustive',
  }, async () => {
    await using models = await openModelFolder()
    await addSpeech(models)
    await show('sound')
    const before = elsewhere.length
    await page.getByLabel(FOLDER).setInputFiles(join(models.path, 'speech'))
    await page.getByText('An encoder of 2 layers, and its decoder.').waitFor()
    const sound = { name: 'four.wav', mimeType: 'audio/wav', buffer: wavOf(spoken(0.3)) }
    await page.getByLabel('Choose a sound, or drop one here').setInputFiles(sound)
    expect(await heard(page)).toEqual({ dense: '0.3', pruned: '0.3' })
    await page.getByText('The same words, ').waitFor()
    await page.getByTestId('mel-dense').getByText('positions are computed.').waitFor()
    expect(await page.getByTestId('mel-pruned').textContent()).toMatch(/^\d+ of \d+ positions are computed\.$/)
    expect(Number(await page.getByTestId('times-as-fast').textContent())).toBeGreaterThan(0)
    // The microphone of the tests beeps.
    await page.getByRole('button', { name: 'Record' }).click()
    await page.waitForTimeout(RECORDED_MS)
    await page.getByRole('button', { name: 'Stop recording' }).click()
    await eventually(async () => (await heard(page)).pruned).not.toBe('0.3')
    expect(elsewhere).toHaveLength(before)
  })

  test('says what a folder is missing that is no Whisper model, and goes on', async () => {
    await using models = await openModelFolder()
    await models.add('empty', { 'config.json': {}, 'notes.json': {} })
    await show('sound')
    await page.getByLabel(FOLDER).setInputFiles(join(models.path, 'empty'))
    await page
      .getByRole('alert')
      .filter({ hasText: 'there is no generation_config.json next to config.json' })
      .waitFor()
    await eventually(() => page.getByLabel(FOLDER).isEnabled()).toBe(true)
  })
}

/** Of how many seconds of sound each side has written the words, once both have. */
async function heard(page: Page): Promise<Record<string, string | undefined>> {
  const sides = ['dense', 'pruned'].map(async (side) => {
    const place = page.getByTestId(`heard-${side}`)
    await place.getByText('one two three four').waitFor()
    const [seconds] = /for ([\d.]+) s of sound/.exec((await place.textContent()) ?? '')?.slice(1) ?? []
    return [side, seconds]
  })
  return Object.fromEntries(await Promise.all(sides))
}
