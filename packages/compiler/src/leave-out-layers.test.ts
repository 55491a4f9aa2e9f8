import { random, schedule, TpError } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { cloneModel, decodeModel, Graph, type Model } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { type EncoderOptions, encoder, inputsOf } from '../test/encoders.ts'
import { difference, numbers, run } from '../test/run.ts'
import { inspect } from './inspect.ts'
import { leaveOutLayers } from './leave-out-layers.ts'
import { pruneOrThrow } from './prune.ts'

const plain: EncoderOptions = {
  layerCount: 4,
  heads: 2,
  headDim: 4,
  norm: 'post',
  mask: 'added',
  pooling: 'cls',
  opset: 17,
  seed: 1,
}

function without(model: Model, layers: readonly number[]): Model {
  const left = leaveOutLayers(model, layers)
  if (!left.ok) throw new Error(left.refusal.message)
  return left.model
}

/** The model with one of its values as an output, or given from outside. */
function opened(model: Model, edit: (graph: Graph) => void): Model {
  const copy = cloneModel(model)
  const graph = new Graph(copy)
  edit(graph)
  graph.removeDeadNodes()
  return copy
}

describe.each([
  ['post', 'cls'],
  ['pre', 'masked mean'],
] as const)('of a %s-norm encoder read by %s', (norm, pooling) => {
  const options: EncoderOptions = { ...plain, norm, pooling }
  const model = decodeModel(encoder(options))
  const feeds = inputsOf(options, 2, 7, 3)

  // What the layers before return is read out of one model, and put into another after the layer.
  test.each([0, 2, 3])('layer %i is left out: the output of the layer before goes to the one after', async (layer) => {
    const found = inspect(model)
    if (!found.ok) throw new Error(found.refusal.message)
    const { input, output } = found.layers[layer] as { input: string; output: string }
    const before = opened(model, (graph) => graph.addOutput(input, 'float32', [undefined, undefined, 8]))
    const stream = (await run(before, feeds))[input] as TensorLike
    const after = opened(model, (graph) => {
      graph.addInput('given', 'float32', [undefined, undefined, 8])
      graph.replaceAllUses(output, 'given')
    })
    const read = new Set(new Graph(after).inputs.map(({ name }) => name))
    const others = Object.fromEntries(Object.entries(feeds).filter(([name]) => read.has(name)))
    const expected = await run(after, { ...others, given: stream } as NamedTensors)
    const { logits } = await run(without(model, [layer]), feeds)
    expect(difference(numbers(logits), numbers(expected.logits))).toBeLessThan(1e-5)
  })

  test('two layers are left out, and tokens of the rest can be pruned', () => {
    const rest = without(model, [3, 1])
    const found = inspect(rest)
    expect(found.ok && found.layers.length).toBe(2)
    const { cuts } = pruneOrThrow(rest, { method: random(), schedule: schedule(2, { keep: 0.5, layers: [0] }) }, 'test')
    expect(cuts.map(({ layer }) => layer)).toEqual([0])
  })
})

test('where the last layer is an output of the file, the output is what the layer before returns', async () => {
  const model = decodeModel(encoder({ ...plain, pooling: 'none' }))
  const feeds = inputsOf(plain, 2, 6, 3)
  const [, , , last] = (inspect(model) as { layers: { input: string; output: string }[] }).layers
  const { input, output } = last as { input: string; output: string }
  const states = opened(model, (graph) => {
    graph.addOutput(input, 'float32', [undefined, undefined, 8])
    if (!graph.isOutput(output)) graph.addOutput(output, 'float32', [undefined, undefined, 8])
  })
  const result = await run(without(states, [3]), feeds)
  expect(result[output]).toEqual((await run(states, feeds))[input])
})

describe('is refused', () => {
  const model = decodeModel(encoder(plain))

  test.each([
    [[4], 'there is no layer 4; layers are 0 to 3'],
    [[-1], 'there is no layer -1'],
    [[0, 1, 2, 3], 'no layer would remain'],
  ])('for layers %j', (layers, message) => {
    expect(() => leaveOutLayers(model, layers)).toThrow(TpError)
    expect(() => leaveOutLayers(model, layers)).toThrow(message)
  })

  test('where tokens are pruned already', () => {
    const amounts = schedule(4, { keep: 0.5, layers: [1] })
    const pruned = pruneOrThrow(model, { method: random(), schedule: amounts }, 'test').model
    expect(leaveOutLayers(pruned, [3])).toMatchObject({ ok: false, refusal: { code: 'TP_PRUNED' } })
  })
})
