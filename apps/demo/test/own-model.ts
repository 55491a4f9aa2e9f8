import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { loadTokenizer } from '@tp/data'
import { modelPath } from '@tp/models'
import { nodeRuntime } from '@tp/runtime-node'
import { convolutional } from 'exported-encoders'
import type { Page } from 'playwright-core'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { withDataFile } from './data-file.ts'
import { eventually, outcomeOf } from './page-objects.ts'
import type { DemoSite } from './site.ts'

const FIELD = 'Choose your .onnx file and what belongs to it, or drop them here'
const ADDRESS = 'Or its name at Hugging Face, or the address of its .onnx file'
const TEXT = 'Re: the meeting on Monday . I bring the slides, and Peter has the numbers of last year.'
const FOUND = 'An encoder of 6 layers, 128 numbers wide, with 4 attention heads.'

export function ownModelTests({ page, show }: DemoSite): void {
  const outcome = outcomeOf(page)
  const alert = page.getByRole('alert')
  const files = page.getByLabel(FIELD)
  beforeAll(() => show('own'))

  async function download(address: string): Promise<void> {
    await page.getByLabel(ADDRESS).fill(address)
    await page.getByRole('button', { name: 'Download', exact: true }).click()
  }

  test.each([
    ['notes.txt', 'notes.txt is neither an .onnx file nor one of tokenizer.json'],
    ['config.json', 'there is no .onnx file among these'],
    ['notes.onnx', 'not an ONNX file'],
  ])('refuses a text file called %s with the reason', async (name, reason) => {
    const buffer = Buffer.from('Bread, milk, eggs\n')
    await files.setInputFiles({ name, mimeType: 'text/plain', buffer })
    await alert.filter({ hasText: reason }).waitFor()
  })

  test('refuses a dropped convolutional network with the reason', async () => {
    await drop(page, 'cnn.onnx', convolutional())
    await alert.filter({ hasText: 'cnn cannot be pruned' }).waitFor()
    expect(await alert.textContent()).toContain('the model is convolutional')
  })

  test('says why a model cannot be downloaded', async () => {
    const closed = createServer((request, response) => {
      const headers = request.url === '/none.onnx' ? { 'Access-Control-Allow-Origin': '*' } : {}
      response.writeHead(request.url === '/none.onnx' ? 404 : 200, headers).end('no model')
    })
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void closed.close())
    const address = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`
    const cases = [
      ['my-model', 'is neither the name of a model at Hugging Face'],
      [`${address}/model.onnx`, 'does not let pages of other sites read its files'],
      [`${address}/none.onnx`, 'answers 404 for /none.onnx: there is no such file'],
    ] as const
    for (const [text, reason] of cases) {
      await download(text)
      await alert.filter({ hasText: reason }).waitFor()
    }
  })

  test('asks for the data file of a model, prunes it with a sample at once, and the downloaded file gives the same in Node', {
    tags: 'exhaustive',
  }, async () => {
    const { model, data } = withDataFile(await readFile(modelPath('mail')), 'model.onnx.data')
    const file = (name: string, buffer: Uint8Array) => ({ name, mimeType: '', buffer: Buffer.from(buffer) })
    await files.setInputFiles([file('model.onnx', model)])
    await alert.filter({ hasText: 'its weights are in model.onnx.data; add that file' }).waitFor()
    await files.setInputFiles([
      file('model.onnx.data', data),
      file('tokenizer.json', await readFile(modelPath('mail', 'tokenizer'))),
      file('config.json', await readFile(modelPath('mail', 'config'))),
    ])
    await page.getByText(FOUND).waitFor()
    // Its labels are ham and spam: a mail is what fits.
    await eventually(() => page.getByLabel('Any text').inputValue()).toMatch(/^Re: build fails/)
    await page.getByLabel('Any text').fill('')
    await page.getByText('There is no word to read').waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download the pruned model', disabled: false }).click()
    const saved = await download
    expect(saved.suggestedFilename()).toBe('model.pruned.onnx')
    const logits = await runInNode(await saved.path())
    await page.getByLabel('Any text').fill(TEXT)
    await outcome.settled()
    await page.getByText('Numbers', { exact: true }).click()
    const shown = await outcome.numbers('pruned')
    expect(shown).toHaveLength(2)
    for (const [i, value] of logits.entries()) expect(Math.abs(value - (shown[i] as number))).toBeLessThan(1e-4)
  })

  test('downloads a model by its name at Hugging Face with what belongs to it', async () => {
    const folder = dirname(modelPath('mail'))
    // The hub as a server here: only what it would answer with is made up, not what the page does with it.
    await page.context().route('https://huggingface.co/**', async (route) => {
      const path = new URL(route.request().url()).pathname
      const headers = { 'Access-Control-Allow-Origin': '*' }
      const names = ['onnx/model_quantized.onnx', 'tokenizer.json', 'config.json']
      const siblings = names.map((rfilename) => ({ rfilename }))
      if (path === '/api/models/some/mails') return route.fulfill({ headers, json: { siblings } })
      const file = path.replace('/some/mails/resolve/main/', '').replace('onnx/model_quantized', 'model.int8')
      await route.fulfill({ headers, body: await readFile(`${folder}/${file}`) })
    })
    onTestFinished(() => page.context().unroute('https://huggingface.co/**'))
    await download('some/mails')
    await page.getByText('Inside model_quantized.onnx').waitFor()
    await eventually(() => page.getByLabel('Any text').inputValue()).toMatch(/^Re: build fails/)
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
  await page.locator('.drop').first().dispatchEvent('drop', { dataTransfer: files })
}
