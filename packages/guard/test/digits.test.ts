import { readFileSync } from 'node:fs'
import { evaluate } from '@tp/compare'
import { prune, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import type { Session, TensorLike } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'
import { imageDataset, imageInputs, type ModelInputs } from '@tp/data/inputs'
import { receivedAttention } from '@tp/method-attention'
import { type Digit, digitsData, embeddedModel, modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, expect, test, vi } from 'vitest'
import { monitor, recordBaseline } from '../src/index.ts'

vi.setConfig({ hookTimeout: 120_000, testTimeout: 120_000 })

/** Keeps so little that answers change. */
const method = receivedAttention()
const amounts = schedule(6, { keep: 0.4, layers: [1, 2] })

const dense = readFileSync(modelPath('digits-vit'))
let pruned: Uint8Array
let calibration: ModelInputs
let held: ModelInputs

const open = (model: Uint8Array): Promise<Session> => nodeRuntime().load(model, { threads: 1 })

beforeAll(async () => {
  const result = transform(decodeModel(dense), prune({ method, schedule: amounts, monitor: true }))
  pruned = encodeModel(result.model)
  // they come sorted by digit, which a monitor rightly takes for a drift
  const random = randomNumbers(1)
  const digits = digitsData('calibration')
    .map((digit) => ({ digit, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ digit }) => digit)
  calibration = await images(digits.slice(0, 250))
  held = await images(digits.slice(250))
})

async function images(digits: readonly Digit[]): Promise<ModelInputs> {
  const { normalization } = embeddedModel('digits-vit')
  await using session = await open(dense)
  return imageInputs(imageDataset('digits', { channels: 1, height: 28, width: 28 }, digits), session.inputs, {
    normalization: normalization && { mean: [normalization.mean], std: [normalization.std] },
  })
}

test('stays silent on other digits and soon reports their negatives, by margin and mass', async () => {
  await using recorder = recordBaseline(await open(pruned))
  await evaluate(recorder, calibration, { batchSize: 16 })
  const baseline = recorder.baseline()
  expect(Object.keys(baseline.signals)).toEqual(['margin', 'mass'])
  for (const mass of baseline.signals.mass ?? []) expect(mass > 0 && mass < 1).toBe(true)
  await using watched = monitor(await open(pruned), baseline)
  await evaluate(watched, held)
  expect(watched.statistics().alarms).toEqual([])

  const negatives = digitsData('test').slice(0, 60)
  await evaluate(
    watched,
    await images(negatives.map(({ pixels, label }) => ({ pixels: pixels.map((x) => 1 - x), label }))),
  )
  const { alarms } = watched.statistics()
  expect(alarms.length).toBeGreaterThan(8)
  expect(alarms[0]?.input).toBeLessThan(held.targets.length + 40)
  const mass = (await watched.run(await held.feeds([0, 1])))['tp.monitor.mass'] as TensorLike
  expect(mass.dims).toEqual([2])
})
