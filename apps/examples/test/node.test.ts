import { readFile } from 'node:fs/promises'
import { prune, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import { clsAttention } from '@tp/method-attention'
import { clauseData, embeddedModel, modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { beforeAll, expect, test } from 'vitest'
import { classifier } from '../node/edge-function.mjs'
import { searchService } from '../node/search-service.mjs'

let pruned: Uint8Array
const { labels } = embeddedModel('clauses')
/** Six of each clause: four to find, two to ask by. */
const passages = labels.flatMap((_, label) =>
  clauseData('test')
    .filter((own) => own.label === label)
    .slice(0, 6),
)
const stored = passages.filter((_, i) => i % 6 < 4)
const queries = passages.filter((_, i) => i % 6 >= 4)

beforeAll(async () => {
  const dense = decodeModel(new Uint8Array(await readFile(modelPath('clauses'))))
  const amounts = schedule(4, { layers: [0], keep: 0.05 })
  pruned = encodeModel(transform(dense, prune({ method: clsAttention(), schedule: amounts })).model)
})

test('the search service finds passages with the same clause, and refuses a request without a text', async () => {
  const texts = stored.map(({ text }) => text)
  const model = pruned as unknown as string
  const app = await searchService({ model, tokenizer: modelPath('clauses', 'tokenizer'), passages: texts })
  try {
    let right = 0
    for (const { text, label } of queries) {
      const response = await app.inject({ method: 'POST', url: '/search', payload: { text, count: 1 } })
      const [best] = response.json() as { passage: number; text: string }[]
      expect(best?.text).toBe(texts[best?.passage as number])
      right += Number(stored[best?.passage as number]?.label === label)
    }
    expect(right / queries.length).toBeGreaterThan(0.8)
    expect((await app.inject({ method: 'POST', url: '/search', payload: {} })).statusCode).toBe(400)
  } finally {
    await app.close()
  }
})

test('the edge function classifies a text by wasm, and says what it does not take', async () => {
  const tokenizer = JSON.parse(await readFile(modelPath('clauses', 'tokenizer'), 'utf8'))
  await using edge = classifier({ model: pruned, tokenizer, labels })
  const ask = (body: string): Promise<Response> => edge.fetch(new Request('http://edge/', { method: 'POST', body }))
  let right = 0
  for (const { text, label } of queries) {
    const answer = (await (await ask(text)).json()) as { label: string; chances: Record<string, number> }
    right += Number(answer.label === labels[label])
    expect(Object.values(answer.chances).reduce((a, b) => a + b)).toBeCloseTo(1)
  }
  expect(right / queries.length).toBeGreaterThan(0.8)
  expect((await ask(' ')).status).toBe(400)
  expect((await edge.fetch(new Request('http://edge/'))).status).toBe(405)
})
