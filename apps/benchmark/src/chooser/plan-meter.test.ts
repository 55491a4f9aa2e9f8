import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareInputs } from '@tp/data'
import { imageDataset } from '@tp/data/inputs'
import { digitsData, embeddedModel, modelPath } from '@tp/models'
import { decodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { judgeDraws } from './draws.ts'
import { PlanMeter } from './plan-meter.ts'
import { denseAnswers, type PoolData } from './pool-answers.ts'
import { remembering } from './remembering-runtime.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-chooser-'))
})

afterEach(() => rm(folder, { recursive: true }))

const runtime = nodeRuntime()

async function openDigits() {
  const bytes = await readFile(modelPath('digits-vit'))
  const session = await runtime.load(bytes, { threads: 1 })
  const { normalization = { mean: 0, std: 1 } } = embeddedModel('digits-vit')
  const images = digitsData('test').filter((_, i) => i % 50 === 0)
  const dataset = imageDataset('digits', { channels: 1, height: 28, width: 28 }, images.slice(0, 20))
  const known = { mean: [normalization.mean], std: [normalization.std] }
  const inputs = await prepareInputs(dataset, session.inputs, { normalization: known })
  return { model: decodeModel(bytes), session, data: { task: 'classification', inputs } satisfies PoolData }
}

test('measures a plan once, and judges it on examples that did not choose it', async () => {
  const { model, session, data } = await openDigits()
  await using dense = session
  const answers = await denseAnswers(dense, data)
  const options = { runtime, model, dense, data, answers, file: join(folder, 'grid.jsonl') }
  const meter = await PlanMeter.open(options)
  const hard = { format: 1, method: 'truncate', layers: [0], keep: [0.02] } as const
  const measured = await meter.measure(hard)
  expect(measured.pace).toBeLessThan(0.8)
  const again = await PlanMeter.open(options)
  expect(again.isKnown(hard)).toBe(true)
  expect(await again.measure(hard)).toEqual(measured)
  await again.timeAgain(hard)
  const timed = await (await PlanMeter.open(options)).measure(hard)
  expect(timed).toEqual({ ...measured, pace: timed.pace })
  expect(timed.pace).not.toBe(measured.pace)
  const drawn = { seed: 1, examples: 8, maxLoss: 1, seconds: 0, plan: hard }
  const [judged] = await judgeDraws([drawn], [measured], {
    meter,
    inputs: data.inputs,
    dense: answers,
    areOthers: false,
  })
  expect(judged).toMatchObject({ isMissed: false, speedup: 1 / measured.pace })
  expect(judged?.trueLoss).toBeGreaterThan(20)
  expect(judged?.best.plan.method).toBe('none')
})

test('remembers the answers to examples, in whatever batch they come', async () => {
  const { model, session, data } = await openDigits()
  await session.dispose()
  const load = remembering(runtime)
  const first = await load(runtime, model, { threads: 1 })
  const whole = await first.run(await data.inputs.feeds([0, 1, 2, 3]))
  await first.dispose()
  const second = await load(runtime, model, { threads: 1 })
  await second.dispose()
  // Disposed, it could not run anything.
  const known = await second.run(await data.inputs.feeds([3, 1]))
  expect(known.logits?.dims).toEqual([2, 10])
  const row = ({ logits }: typeof whole, i: number) => [...(logits?.data ?? [])].slice(10 * i, 10 * i + 10)
  expect(row(known, 0)).toEqual(row(whole, 3))
  expect(row(known, 1)).toEqual(row(whole, 1))
  await expect(second.run(await data.inputs.feeds([4]))).rejects.toThrow()
})
