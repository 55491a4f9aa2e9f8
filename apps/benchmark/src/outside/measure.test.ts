import { loadTokenizer } from '@tp/data'
import { textDataset, textInputs } from '@tp/data/inputs'
import { mailData, modelPath } from '@tp/models'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import type { OutsideData } from './data.ts'
import { AnswerMeter, speedsOf, timedBatches, timedPart } from './measure.ts'

const open = () => nodeRuntime().load(modelPath('mail'), { threads: 1 })

test('finds no loss and the same speed where nothing is changed', async () => {
  await using dense = await open()
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const mails = textDataset('mails', mailData('calibration').slice(0, 40))
  const inputs = await textInputs(mails, dense.inputs, tokenizer, { maxTokens: 32 })
  const meter = await AnswerMeter.open({ task: 'classification', inputs } as OutsideData, dense)
  const { metric, quality } = meter.dense()
  expect([metric, quality.estimate > 80]).toEqual(['accuracy', true])
  expect(await meter.measure([open, open])).toMatchObject({
    quality: { estimate: quality.estimate },
    loss: { estimate: 0 },
    changed: { estimate: 0 },
  })
  const batches = await timedBatches(inputs, [1, 4])
  expect([...batches].map(([name, feeds]) => [name, feeds.map(({ input_ids }) => input_ids?.dims[0])])).toEqual([
    ['1', [1, 1, 1, 1, 1, 1, 1, 1]],
    ['4', [4]],
    ['4 sorted', [4]],
  ])
  const some = new Map([['4', batches.get('4') ?? []]])
  const again = (threads: number) => nodeRuntime().load(modelPath('mail'), { threads })
  const other = (threads: number) => again(threads)
  for (const threads of [1, 2]) {
    const { speed, speedPlain } = await speedsOf(again, { own: other, plain: other }, { threads, batches: some })
    for (const speeds of [speed, speedPlain ?? speed]) {
      expect(speeds['4']?.[0]).toBeGreaterThan(0.2)
      expect(speeds['4']?.[0]).toBeLessThan(5)
    }
    expect(speedPlain === undefined).toBe(threads > 1)
  }
  expect(await speedsOf(again, { own: again }, { threads: 1, batches: some })).toEqual({ speed: { 4: [1, 1, 1] } })
})

test('times the documents of a search, not its queries', async () => {
  const inputs = { source: '', targets: [-1, -1, -1], lengths: [3, 90, 80], notes: [], preparationMs: undefined }
  const judged = { queryCount: 1, relevant: [], documents: ['a', 'b'], itself: [] }
  const search = { task: 'embeddings', inputs, judged } as unknown as OutsideData
  const { inputs: documents, first } = timedPart(search)
  expect([documents.lengths, first]).toEqual([[90, 80], 1])
  const pairs = timedPart({ task: 'embeddings', inputs, judged: { scores: [1] } } as unknown as OutsideData)
  expect([pairs.inputs.lengths, pairs.first]).toEqual([[3, 90, 80], 0])
})

test('counts one over the rank of the first relevant candidate, with what of it is lost', async () => {
  const inputs = {
    ...{ source: 'made up', targets: [0, 1, 0, 0, 1], lengths: undefined, notes: [], preparationMs: undefined },
    ranking: { queries: [0, 0, 0, 1, 1], relevance: [0, 1, 0, 0, 1] },
    feeds: async (rows: readonly number[]) => ({
      row: { type: 'float32', dims: [rows.length], data: Float32Array.from(rows) },
    }),
  }
  const scoring = (scores: readonly number[]) => ({
    ...{ inputs: [], outputs: [], warmUp: async () => {}, endProfile: async () => undefined, dispose: async () => {} },
    run: async ({ row }: Readonly<Record<string, { readonly data: ArrayLike<number> }>>) => {
      const data = Float32Array.from(Array.from(row?.data ?? [], (i) => scores[i] as number))
      return { logits: { type: 'float32', dims: [data.length, 1], data } }
    },
    [Symbol.asyncDispose]: async () => {},
  })
  const data = { task: 'ranking', inputs } as unknown as OutsideData
  const meter = await AnswerMeter.open(data, scoring([1, 3, 2, 0, 5]) as never)
  expect(meter.dense().ranking?.mrr.estimate).toBe(100)
  const { ranking } = await meter.measure([async () => scoring([1, 2, 3, 0, 5]) as never])
  expect([ranking?.mrr.estimate, ranking?.mrrLoss.estimate]).toEqual([75, 25])
})
