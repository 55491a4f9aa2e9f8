import { readFileSync } from 'node:fs'
import { type Plan, transform, transformsOf } from '@tp/compiler'
import type { Session } from '@tp/core/runtime'
import { methods } from '@tp/method-attention'
import { createNode, decodeModel, encodeModel, Graph, type Model, type NodeProto } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { inputRoles } from '../inputs/input-shapes.ts'
import { shapesToTime, timeAtShapes } from './time-at-shapes.ts'

const small = decodeModel(
  readFileSync(
    new URL('../../../../tools/exported-encoders/fixtures/distilbert-cls-eager-ts14/model.onnx', import.meta.url),
  ),
)
const roles = inputRoles(small)

test('times models in turns at each shape, with their FLOPs against the first', async () => {
  const plan: Plan = { format: 1, method: 'received-attention', layers: [0], keep: 0.25 }
  const { model: pruned } = transform(small, ...transformsOf(plan, methods))
  const open = (model: Model) => (): Promise<Session> => nodeRuntime().load(encodeModel(model), { threads: 1 })
  const models = [small, pruned].map((model, i) => ({ name: i === 0 ? 'dense' : 'pruned', model, open: open(model) }))
  const shapes = shapesToTime(roles, [
    { batch: 1, tokens: 16 },
    { batch: 2, tokens: 8 },
  ])
  const seen: object[] = []
  const rows = await timeAtShapes(models, shapes, { timingMs: 40, countsFlops: true, onShape: (at) => seen.push(at) })
  expect(seen).toEqual(shapes)
  expect(rows.map(({ name, batch, tokens }) => [name, batch, tokens])).toEqual([
    ['dense', 1, 16],
    ['pruned', 1, 16],
    ['dense', 2, 8],
    ['pruned', 2, 8],
  ])
  expect(rows[0]).toMatchObject({ flops: 1, latency: { speedup: { value: 1 } } })
  for (const { name, flops = 0, rounds } of rows) expect([flops > 1, rounds > 2]).toEqual([name === 'pruned', true])
})

test('refuses to time a model whose answers are all NaN', async () => {
  const model = decodeModel(encodeModel(small).slice())
  const graph = new Graph(model)
  const [{ name }] = graph.outputs as unknown as [{ name: string }]
  const node = graph.producer(name) as NodeProto
  graph.addInitializer('nan', { type: 'float32', dims: [1], data: Float32Array.of(Number.NaN) })
  graph.remove(node)
  graph.insert([
    { ...node, output: ['before'] },
    createNode({ type: 'Mul', inputs: ['before', 'nan'], outputs: [name] }),
  ])
  const open = (of: Model) => (): Promise<Session> => nodeRuntime().load(encodeModel(of), { threads: 1 })
  const models = [small, model].map((own, i) => ({
    name: ['dense', 'damaged'][i] as string,
    model: own,
    open: open(own),
  }))
  await expect(timeAtShapes(models, [{ batch: 1, tokens: 8 }], { timingMs: 40 })).rejects.toMatchObject({
    code: 'TP_OUTPUT',
    message: expect.stringContaining('damaged: all of its output "'),
  })
})

test('takes usual shapes that the model can take, and refuses others', () => {
  expect(shapesToTime(roles, undefined, 128).map(({ batch, tokens }) => `${batch}x${tokens}`)).toEqual([
    '1x32',
    '1x128',
    '8x128',
  ])
  const image = { ...roles, tokens: 197 }
  expect(shapesToTime(image, undefined)).toEqual([{ batch: 1 }, { batch: 8 }])
  expect(shapesToTime({ ...image, batch: 4 }, undefined)).toEqual([{ batch: 4, tokens: undefined }])
  expect(() => shapesToTime(roles, [{ batch: 128 }])).toThrow(/has no length.*did you mean 1x128/)
  expect(() => shapesToTime(roles, [{ batch: 1, tokens: 256 }], 128)).toThrow(/1x256 is too long.*at most 128/)
  expect(() => shapesToTime(image, [{ batch: 1, tokens: 256 }])).toThrow(/own number of tokens is 197/)
})
