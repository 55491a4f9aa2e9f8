import { readFileSync } from 'node:fs'
import { inspect, leaveOut, prune, transform } from '@tp/compiler'
import { type Method, not, schedule } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { modelPath } from '@tp/models'
import { cloneModel, createNode, decodeModel, Graph, type Model, type NodeProto } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { describe, expect, test } from 'vitest'
import { trialsFor } from './trials.ts'
import { verify } from './verify.ts'

const node = nodeRuntime()
const runtime: Runtime = { ...node, load: (model, options) => node.load(model, { threads: 1, ...options }) }
const mail = transform(decodeModel(readFileSync(modelPath('mail'))), leaveOut({ layers: [2, 3, 4, 5] })).model

/** The same model for texts of 12 tokens, maybe in batches of one size. */
function fixed(model: Model, batch: number | undefined): Model {
  const own = cloneModel(model)
  for (const { type } of own.proto.graph?.input ?? []) {
    const dims = type?.value.case === 'tensorType' ? type.value.value.shape?.dim : []
    for (const [axis, size] of [batch, 12].entries())
      if (size !== undefined && dims?.[axis]) dims[axis].value = { case: 'dimValue', value: BigInt(size) }
  }
  return own
}

/** A mean over all tokens, padding included, instead of the class token. */
function pooled(model: Model): Model {
  const graph = new Graph(cloneModel(model))
  const head = graph.nodes.findLast(({ opType }) => opType === 'Gather') as NodeProto
  graph.remove(head)
  const [inputs, attributes] = [[head.input[0] as string], { axes: [1], keepdims: 0 }]
  graph.insert([createNode({ type: 'ReduceMean', name: 'mean', inputs, outputs: head.output, attributes })])
  return graph.model
}

describe('a model that takes one length', () => {
  test.each([
    [1, [12, 8, 4]],
    [2, [12, 8, 4, 12]],
    [undefined, [12, 8, 4, 12, 8, 4]],
  ] as const)('gets padded texts in batches of %s', (batch, lengths) => {
    const model = fixed(mail, batch)
    const inspection = inspect(model)
    if (!inspection.ok) throw new Error(inspection.refusal.message)
    const trials = trialsFor(model, inspection)
    const attended = trials.flatMap(({ inputs }) => {
      const { data, dims } = inputs.attention_mask as { data: BigInt64Array; dims: readonly number[] }
      return Array.from({ length: dims[0] as number }, (_, row) =>
        Number(data.slice(row * 12, (row + 1) * 12).reduce((sum, real) => sum + real)),
      )
    })
    expect(attended).toEqual(lengths)
    expect(trials.flatMap(({ examples }) => examples.map(({ length }) => length))).toEqual(lengths)
    expect(new Set(trials.map(({ arrangement }) => arrangement)).has('in a batch')).toBe(batch === undefined)
  })

  test('differs from a change that drops padding which its mean counts', async () => {
    const dropping: Method = {
      ...{ name: 'dropping', family: 'hybrid', site: 'input', unscheduled: true, adaptive: true },
      reduce: (site) => ({ keep: site.budget === undefined ? site.attended : not(site.padding) }),
    }
    const verified = async (source: Model): Promise<unknown> => {
      const step = prune({ method: dropping, schedule: schedule(2, { layers: [0], keep: 1 }) })
      return await verify(transform(source, step).model, source, { runtime, methods: [{ method: dropping }] })
    }
    expect(await verified(fixed(mail, 1))).toMatchObject({ arrangements: ['alone'] })
    await expect(verified(pooled(fixed(mail, 1)))).rejects.toMatchObject({ code: 'TP_VERIFY' })
  })
})

test('a source that counts padding is not compared on padded texts', async () => {
  const { difference, arrangements } = await verify(pooled(mail), pooled(mail), { runtime })
  expect(difference).toBe(0)
  expect(arrangements).toEqual(['alone', 'in a batch'])
})

test('one row of a mask whose batch is only assumed to be that of the tokens is tried for all of them', async () => {
  const source = cloneModel(mail)
  const mask = source.proto.graph?.input.find(({ name }) => name === 'attention_mask')
  const shape = mask?.type?.value.case === 'tensorType' ? mask.type.value.value.shape : undefined
  for (const [axis, name] of ['rows', 'columns'].entries())
    if (shape?.dim[axis]) shape.dim[axis].value = { case: 'dimParam', value: name }
  const graph = new Graph(cloneModel(source))
  for (const { node, index } of graph.consumers('attention_mask')) graph.replaceInput(node, index, 'whole')
  graph.insert([
    createNode({ type: 'Shape', name: 'sizes', inputs: ['input_ids'], outputs: ['sizes'] }),
    createNode({ type: 'Reshape', name: 'whole', inputs: ['attention_mask', 'sizes'], outputs: ['whole'] }),
  ])
  await expect(verify(graph.model, mail, { runtime })).resolves.toMatchObject({ difference: 0 })
  await expect(verify(graph.model, source, { runtime, budget: 60_000 })).rejects.toMatchObject({ code: 'TP_VERIFY' })
})
