import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSite, type Site } from './browser/site.ts'
import { addMail } from './models.ts'

let site: Site

beforeAll(async () => {
  site = await openSite()
  const { modelFolder } = await import('./model-folder.ts')
  await addMail(modelFolder(join(site.folder, 'models')))
}, 120_000)
afterAll(() => site?.[Symbol.asyncDispose]())

test('x', async () => {
  const page = await site.open()
  page.on('console', (m) => console.log(m.text()))
  const r = await page.evaluate(async () => {
    const reports: unknown[] = []
    const text = 'Buy cheap viagra now, click here'
    const dense = await tp.pipeline('text-classification', 'mail')
    const a = await dense(text)
    const p = tp.pruneModels({ methods: tp.methods, plans: { mail: { format: 1, method: 'received-attention', keep: 0.7 } }, onModel: (x) => reports.push(x) })
    const cl = await tp.pipeline('text-classification', 'mail')
    const b = await cl(text)
    return { a, b, reports, caches: await caches.keys() }
  })
  console.log(JSON.stringify(r, null, 1), site.strangers)
  expect(1).toBe(1)
}, 120_000)
