import { readFile } from 'node:fs/promises'
import { loadTokenizer } from '@tp/eval'
import { modelPath } from '@tp/models'
import { nodeRuntime } from '@tp/runtime-node'
import { convolutional } from 'exported-encoders'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { outcomeOf } from './page-objects.ts'
import type { Site } from './site.ts'

const FIELD = 'Choose your .onnx file and what belongs to it, or drop them here'
const TEXT = 'Re: the meeting on Monday . I bring the slides, and Peter has the numbers of last year.'

export function ownModelTests(site: Site): void {
  test('prunes a model of the user, and the downloaded file gives the same in Node', async () => {
    const page = await site.open('own')
    const outcome = outcomeOf(page)
    await page
      .getByLabel(FIELD)
      .setInputFiles([modelPath('mail'), modelPath('mail', 'tokenizer'), modelPath('mail', 'config')])
    await page.getByText('An encoder of 6 layers, 128 numbers wide, with 4 attention heads.').waitFor()
    await page.getByLabel('Any text').fill(TEXT)
    await outcome.settled()
    await page.getByText('Numbers', { exact: true }).click()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download the pruned model' }).click()
    const file = await download
    expect(file.suggestedFilename()).toBe('model.pruned.onnx')
    const logits = await runInNode(await file.path())
    const shown = await outcome.numbers('pruned')
    expect(shown).toHaveLength(2)
    for (const [i, value] of logits.entries()) expect(Math.abs(value - (shown[i] as number))).toBeLessThan(1e-4)
    await page.close()
  })

  test('times a model of text without its tokenizer on made-up numbers, until it gets words', {
    tags: 'exhaustive',
  }, async () => {
    const page = await site.open('own')
    await page.getByLabel(FIELD).setInputFiles(modelPath('mail', 'int8'))
    await page.getByText('add its tokenizer.json to give it words').waitFor()
    await page.getByTestId('speed-up').waitFor()
    await page.getByLabel(FIELD).setInputFiles(modelPath('mail', 'tokenizer'))
    await page.getByLabel('Any text').fill(TEXT)
    await page.getByTestId('words').waitFor()
    await page.close()
  })

  test('refuses a dropped convolutional network with the reason', async () => {
    const page = await site.open('own')
    await drop(page, 'cnn.onnx', convolutional())
    const alert = page.getByRole('alert')
    await alert.filter({ hasText: 'cnn cannot be pruned' }).waitFor()
    expect(await alert.textContent()).toContain('the model is convolutional')
    await page.close()
  })

  test.each([
    ['notes.txt', 'notes.txt is neither an .onnx file nor one of tokenizer.json'],
    ['notes.onnx', 'not an ONNX file'],
    ['config.json', 'there is no .onnx file among these'],
  ])('refuses a text file called %s with the reason', async (name, reason) => {
    const page = await site.open('own')
    const buffer = Buffer.from('Bread, milk, eggs\n')
    await page.getByLabel(FIELD).setInputFiles({ name, mimeType: 'text/plain', buffer })
    await page.getByRole('alert').filter({ hasText: reason }).waitFor()
    await page.close()
  })
}

async function runInNode(path: string): Promise<number[]> {
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const ids = tokenizer.encode(TEXT, 512)
  const dims = [1, ids.length]
  await using session = await nodeRuntime().load(await readFile(path))
  const { logits } = await session.run({
    input_ids: { type: 'int64', dims, data: BigInt64Array.from(ids, BigInt) },
    attention_mask: { type: 'int64', dims, data: new BigInt64Array(ids.length).fill(1n) },
  })
  return Array.from(logits?.data as Float32Array)
}

async function drop(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  const files = await page.evaluateHandle(
    ([name, bytes]) => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([Uint8Array.from(bytes)], name))
      return transfer
    },
    [name, [...bytes]] as const,
  )
  await page.locator('.drop').dispatchEvent('drop', { dataTransfer: files })
}
