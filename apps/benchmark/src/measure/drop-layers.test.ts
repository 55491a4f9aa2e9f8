import { readFile } from 'node:fs/promises'
import { inspect } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { modelPath } from '@tp/models'
import { cloneModel, decodeModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { describe, expect, test } from 'vitest'
import { dropLayers } from './prepare.ts'

const runtime = nodeRuntime()
const subjects = {
  mail: {
    hidden: 128,
    feeds: {
      input_ids: { type: 'int64', dims: [1, 9], data: BigInt64Array.from([2n, 40n, 7n, 300n, 12n, 99n, 5n, 61n, 3n]) },
      attention_mask: { type: 'int64', dims: [1, 9], data: new BigInt64Array(9).fill(1n) },
    },
  },
  'digits-vit': {
    hidden: 64,
    feeds: {
      pixel_values: {
        type: 'float32',
        dims: [1, 1, 28, 28],
        data: Float32Array.from({ length: 784 }, (_, i) => Math.sin(i)),
      },
    },
  },
} satisfies Record<string, { hidden: number; feeds: NamedTensors }>

async function run(model: Model, feeds: NamedTensors): Promise<NamedTensors> {
  await using session = await runtime.load(encodeModel(model), { threads: 1 })
  return session.run(feeds)
}

/** The model with one of its values as an output, or given from outside. */
function opened(model: Model, edit: (graph: Graph) => void): Model {
  const copy = cloneModel(model)
  const graph = new Graph(copy)
  edit(graph)
  graph.removeDeadNodes()
  return copy
}

describe.each(Object.entries(subjects))('%s', (name, { hidden, feeds }) => {
  // What the layers before return is read out of one model, and put into another after the layer.
  test.each([0, 3, 5])('without layer %i, connects the output of the layer before to the one after', async (layer) => {
    const model = decodeModel(await readFile(modelPath(name as 'mail')))
    const found = inspect(model)
    if (!found.ok) throw new Error(found.refusal.message)
    const { input, output } = found.layers[layer] as { input: string; output: string }
    const before = opened(model, (graph) => graph.addOutput(input, 'float32', [1, undefined, hidden]))
    const stream = (await run(before, feeds))[input] as TensorLike
    const after = opened(model, (graph) => {
      graph.addInput('given', 'float32', [1, undefined, hidden])
      graph.replaceAllUses(output, 'given')
    })
    const others = Object.fromEntries(
      Object.entries(feeds).filter(([key]) => new Graph(after).inputs.some(({ name }) => name === key)),
    )
    const expected = await run(after, { ...others, given: stream })
    const shallow = await run(dropLayers(model, [layer]), feeds)
    expect(shallow.logits?.data).toHaveLength((expected.logits as TensorLike).data.length)
    for (const [i, logit] of Array.from(expected.logits?.data as Float32Array).entries()) {
      expect(Number(shallow.logits?.data[i])).toBeCloseTo(logit, 4)
    }
  })

  test('drops two layers', async () => {
    const model = decodeModel(await readFile(modelPath(name as 'mail')))
    const found = inspect(dropLayers(model, [4, 1]))
    expect(found.ok && found.layers.length).toBe(4)
  })

  test('refuses to drop a layer that does not exist, or all layers', async () => {
    const model = decodeModel(await readFile(modelPath(name as 'mail')))
    for (const without of [[6], [0, 1, 2, 3, 4, 5]]) {
      expect(() => dropLayers(model, without)).toThrow(TpError)
      expect(() => dropLayers(model, without)).toThrow(/there is no layer 6|no layer would remain/)
    }
  })
})
