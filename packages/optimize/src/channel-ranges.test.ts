import { readFileSync } from 'node:fs'
import { smoothSites } from '@tp/compiler'
import { loadTokenizer } from '@tp/data'
import { textDataset, textInputs } from '@tp/data/inputs'
import { mailData, modelPath } from '@tp/models'
import { cloneModel, decodeModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { channelRanges } from './channel-ranges.ts'

const runtime = nodeRuntime()
const model = decodeModel(readFileSync(modelPath('mail')))
const load = (own: Model) => runtime.load(encodeModel(own), { threads: 1 })

test('channels are measured on the tokens of each example, without padding', async () => {
  await using dense = await load(model)
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const mails = textDataset('mails', mailData('test').slice(0, 3))
  const inputs = await textInputs(mails, dense.inputs, tokenizer, { maxTokens: 24 })
  const ranges = await channelRanges({ model, inputs, load })
  const sites = smoothSites(model)
  expect([...ranges.keys()]).toEqual(sites.map(({ value }) => value))
  const { value, channels } = sites.find((site) => site.channels === 512) ?? { value: '', channels: 0 }
  const watched = cloneModel(model)
  new Graph(watched).addOutput(value, 'float32', [undefined, undefined, channels])
  await using session = await load(watched)
  const seen: number[] = []
  for (const example of [0, 1, 2]) {
    const { [value]: states } = await session.run(await inputs.feeds([example]))
    seen.push(...((states?.data ?? []) as Float32Array).filter((_, i) => i % channels === 7))
  }
  const { low, high, meanSquare } = ranges.get(value) ?? { low: [], high: [], meanSquare: [] }
  expect([low[7], high[7]]).toEqual([Math.min(0, ...seen), Math.max(0, ...seen)])
  expect(meanSquare[7]).toBeCloseTo(seen.reduce((sum, x) => sum + x * x, 0) / seen.length, 9)
})
