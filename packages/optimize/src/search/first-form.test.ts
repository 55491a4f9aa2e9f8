import { readFileSync } from 'node:fs'
import { leaveOut, reportOf, transform, transformsOf } from '@tp/compiler'
import type { MethodEntry } from '@tp/core'
import { loadTokenizer } from '@tp/data'
import { type ModelInputs, textDataset, textInputs } from '@tp/data/inputs'
import { methods as attention } from '@tp/method-attention'
import { methods as hybrid } from '@tp/method-hybrid'
import { mailData, modelPath } from '@tp/models'
import { cloneModel, createNode, decodeModel, encodeModel, Graph, type Model, type NodeProto } from '@tp/onnx'
import { expect, test } from 'vitest'
import { countingDevice, runtime } from '../../test/counting-device.ts'
import { optimize } from '../index.ts'
import { inForm, namedVariant, planOf } from './candidate.ts'

const device = countingDevice()
const entry = (name: string): MethodEntry => [...attention, ...hybrid].find((own) => own.name === name) as MethodEntry

/** The same model for one text of so many tokens alone, as exporters for devices make it. */
function ofOneLength(model: Model, tokens: number): Model {
  const own = cloneModel(model)
  for (const { type } of own.proto.graph?.input ?? []) {
    if (type?.value.case !== 'tensorType') continue
    for (const [axis, dim] of (type.value.value.shape?.dim ?? []).entries())
      dim.value = { case: 'dimValue', value: BigInt([1, tokens][axis] ?? 1) }
  }
  return own
}

async function mails(model: Model): Promise<ModelInputs> {
  await using session = await runtime.load(encodeModel(model), { threads: 1 })
  const short = mailData('calibration').slice(0, 60)
  const some = short.map(({ label, text }) => ({ label, text: text.split(/\s+/).slice(0, 12).join(' ') }))
  return await textInputs(
    textDataset('mails', some),
    session.inputs,
    await loadTokenizer(modelPath('mail', 'tokenizer')),
  )
}

test('finds that padding is dropped first in an export of a fixed length, exactly', async () => {
  const small = transform(decodeModel(readFileSync(modelPath('mail'))), leaveOut({ layers: [2, 3, 4, 5] })).model
  const model = ofOneLength(small, 96)
  const inputs = await mails(model)
  const { regimes, figures } = await optimize({
    ...{ model, runtime, methods: [entry('drop-padding')], data: { task: 'classification', inputs } },
    ...{ maxLoss: 1, quantize: false, leaveOut: false, pack: false },
  })
  const plan = { format: 1, method: 'drop-padding' } as const
  expect(regimes).toEqual([{ plan }])
  expect(figures.speedup?.estimate).toBeGreaterThan(2)
  // Timed at the one length that the model takes.
  expect(figures.grid).toMatchObject([{ batch: 1, positions: 96 }])
  expect(figures.loss?.estimate).toBe(0)
  await using dense = await runtime.load(encodeModel(model), { threads: 1 })
  const dropped = transform(model, ...transformsOf(plan, hybrid)).model
  await using exact = await runtime.load(encodeModel(dropped), { threads: 1 })
  const feeds = await inputs.feeds([0])
  const [before, after] = [await dense.run(feeds), await exact.run(feeds)]
  const [own, other] = [before.logits?.data, after.logits?.data] as [Float32Array, Float32Array]
  for (const [i, value] of own.entries()) expect(other[i]).toBeCloseTo(value, 4)
})

test('leaves out dropping padding where a mean counts it, and says so', async () => {
  const short = transform(decodeModel(readFileSync(modelPath('mail'))), leaveOut({ layers: [1, 2, 3, 4, 5] })).model
  const graph = new Graph(ofOneLength(short, 64))
  const head = graph.nodes.findLast(({ opType }) => opType === 'Gather') as NodeProto
  graph.remove(head)
  const [inputs, attributes] = [[head.input[0] as string], { axes: [1], keepdims: 0 }]
  graph.insert([createNode({ type: 'ReduceMean', name: 'mean', inputs, outputs: head.output, attributes })])
  const { figures } = await optimize({
    ...{ model: graph.model, runtime, device, methods: [entry('drop-padding')] },
    ...{
      data: { task: 'classification', inputs: await mails(graph.model) },
      maxLoss: 1,
      quantize: false,
      leaveOut: false,
      pack: false,
    },
  })
  expect(figures.skipped).toMatchObject([
    {
      name: 'drop-padding',
      code: 'TP_PADDING',
      reason: expect.stringContaining('ReduceMean counts tokens of padding'),
    },
  ])
})

test('prunes by other methods after that, by a plan that names both', () => {
  const own = namedVariant({ entry: entry('received-attention') }, [0, 1, 2])
  const variant = inForm(own, { before: entry('drop-padding'), quantize: {} })
  expect(variant.name).toBe('drop-padding+received-attention in 8 bits')
  const plan = planOf({ variant, shares: [0.8, 0.8, 0.5] }, { protect: [0] })
  expect(plan).toEqual({
    ...{ format: 1, method: 'drop-padding+received-attention', protect: [0], quantize: {} },
    ...{ layers: [0, 2], keep: [0.8, 0.625] },
  })
  const model = ofOneLength(decodeModel(readFileSync(modelPath('mail'))), 32)
  const { reports } = transform(model, ...transformsOf(plan, [...attention, ...hybrid]))
  expect(reportOf(reports, 'prune')?.cuts.map(({ layer }) => layer)).toEqual([0, 0, 2])
})

test('says of a model without a mask that its padding is not known', async () => {
  const model = decodeModel(readFileSync(modelPath('digits-vit')))
  expect(() => transform(model, ...transformsOf({ format: 1, method: 'drop-padding' }, hybrid))).toThrow(
    expect.objectContaining({
      code: 'TP_MASK',
      message: expect.stringContaining('with its attention mask as an input'),
    }),
  )
})
