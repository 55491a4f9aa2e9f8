import { type PruneReport, quantize, readChosenOn, reportOf, transform, transformsOf } from '@tp/compiler'
import { type MethodEntry, methodEntry } from '@tp/core'
import { joinMarks, type ModelInputs } from '@tp/data/inputs'
import { methods as attention } from '@tp/method-attention'
import { encodeModel, Graph, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, expect, test } from 'vitest'
import { small, smallLessons } from '../../test/lessons.ts'
import { anyNumber, thresholds } from '../../test/methods.ts'
import { fitPlan, learnsByPlan, type TrainPlanOptions, trainPlan } from './train-plan.ts'
import { trainPruned } from './train-pruned.ts'

const entries: readonly MethodEntry[] = [
  ...attention,
  ...[thresholds(), anyNumber].map((method) => methodEntry(() => method, '')),
]
const received = { format: 1, method: 'received-attention', layers: [1], keep: 0.5 } as const
const learning = { format: 1, method: thresholds().name } as const

let inputs: ModelInputs
let job: Omit<TrainPlanOptions, 'plan'>
beforeAll(async () => {
  ;({ inputs } = await smallLessons(16))
  const { inputs: others } = await smallLessons(12)
  job = {
    ...{ dense: small, source: 'a hash', runtime: nodeRuntime(), methods: entries, inputs },
    selection: { ...others, source: 'other numbers' },
    settings: { epochs: 1, batchSize: 8, evaluations: 1 },
  }
})

test('trains the model as its plan prunes it, the same as trainPruned', async () => {
  const trained = await trainPlan({ ...job, plan: received })
  const { source } = job
  const { model: pruned, reports } = transform(small, ...transformsOf(received, entries, { source }))
  const again = await trainPruned({ ...job, pruned })
  expect(Buffer.from(encodeModel(trained.model)).equals(encodeModel(again.model))).toBe(true)
  const { encoders } = reportOf(reports, 'prune') as PruneReport
  expect([trained.layers, trained.schedule, trained.learned]).toEqual([[1], encoders[0]?.schedule, undefined])
})

test('lets a method learn where to prune, and returns the plan that it has learned', async () => {
  expect(learnsByPlan({ plan: learning, methods: entries })).toBe(true)
  const { plan, layers, learned } = await trainPlan({ ...job, plan: learning, quantize: {}, hardEpochs: 0 })
  expect(plan).toMatchObject({ ...learning, layers, quantize: {} })
  expect([...(learned?.keys() ?? [])]).toEqual(layers)
})

test.each([
  ['whose pruning is decided', received],
  ['whose method learns', learning],
])('remembers in a model %s the examples that it learned from and was chosen by', async (_, plan) => {
  const named = (prefix: string, some: ModelInputs): ModelInputs => ({
    ...some,
    keys: some.targets.map((_, row) => `${prefix} ${row}`),
  })
  const own = { inputs: named('learned', job.inputs), selection: named('chosen', job.selection) }
  const { model } = await trainPlan({ ...job, ...own, plan, quantize: {}, hardEpochs: 0 })
  expect(readChosenOn(model)).toEqual([await joinMarks([own.inputs, own.selection])])
  expect(readChosenOn(small)).toEqual([])
})

test('lets a method learn alone in a model whose weights are in 8 bits, which do not learn', async () => {
  const { model: rounded } = transform(small, quantize({ activations: 'tensor' }))
  const own = { ...job, dense: rounded, plan: learning }
  const { learned, model } = await trainPlan({ ...own, part: 'method', hardEpochs: 0 })
  expect([...(learned?.keys() ?? [])]).toEqual([0, 1])
  const types = (one: Model): string[] => new Graph(one).nodes.map(({ opType }) => opType)
  expect(types(model)).toContain('MatMulInteger')
  for (const part of ['all', 'head'] as const) {
    await expect(trainPlan({ ...own, part })).rejects.toMatchObject({ code: 'TP_QUANTIZED' })
  }
})

test('uses values instead of learning, where there are some', () => {
  expect(learnsByPlan({ plan: learning, methods: entries, values: new Map() })).toBe(false)
  expect(learnsByPlan({ plan: received, methods: entries })).toBe(false)
})

test('refuses a method that learns without an amount, and a model that is pruned already', async () => {
  const anyAmount = { format: 1, method: anyNumber.name } as const
  await expect(trainPlan({ ...job, plan: anyAmount })).rejects.toMatchObject({ code: 'TP_SCHEDULE' })
  const { model: pruned } = transform(small, ...transformsOf(received, entries))
  await expect(trainPlan({ ...job, dense: pruned, plan: learning })).rejects.toMatchObject({
    code: 'TP_PRUNED',
    refusal: { message: expect.stringContaining('train the file that it was made from') },
  })
  const { source, runtime } = job
  const fit = { model: small, source, runtime, methods: entries, inputs }
  await expect(fitPlan({ ...fit, plan: { ...received, keep: undefined } })).rejects.toMatchObject({
    code: 'TP_SCHEDULE',
  })
})
