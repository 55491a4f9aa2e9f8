import { random, schedule, type Tensor, TpError } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { cloneModel, decodeModel, emitModel, encodeModel, Graph, type Model, metadata } from '@tp/onnx'
import { fusedEncoder } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { encoder, inputsOf, logitsOf, plainEncoder, type TestEncoderOptions } from '../../test/encoders.ts'
import { difference, numbers, run } from '../../test/run.ts'
import { whyRefused } from '../index.ts'
import { inspect, type LayerReport } from '../inspect.ts'
import { unfuse } from '../normalize/unfuse.ts'
import { readLeftOut } from '../program/left-out.ts'
import { Program } from '../program/program.ts'
import type { PruneOptions } from '../prune/prune-options.ts'
import { leaveOut } from './leave-out.ts'
import { prune } from './prune.ts'
import { transform } from './transform.ts'

const plain: TestEncoderOptions = { ...plainEncoder, layerCount: 4 }

function without(model: Model, layers: readonly number[]): Model {
  const left = transform(model, leaveOut({ layers }))
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
] as const)('a %s-norm encoder read by %s', (norm, pooling) => {
  const options: TestEncoderOptions = { ...plain, norm, pooling }
  const model = decodeModel(encoder(options))
  const feeds = inputsOf(options, 2, 7, 3)

  // The result of the layers before is read out of one model, and put into another after the layer.
  test.each([0, 2, 3])('layer %i is left out: the output of the layer before goes to the one after', async (layer) => {
    const found = inspect(model)
    if (!found.ok) throw new Error(found.refusal.message)
    const { input, output } = found.layers[layer] as { input: string; output: string }
    const before = opened(model, (graph) => graph.addOutput(input, 'float32', [undefined, undefined, 8]))
    const stream = (await run(before, feeds))[input] as TensorLike
    const after = opened(model, (graph) => {
      graph.addInput('stream', 'float32', [undefined, undefined, 8])
      graph.replaceAllUses(output, 'stream')
    })
    const read = new Set(new Graph(after).inputs.map(({ name }) => name))
    const others = Object.fromEntries(Object.entries(feeds).filter(([name]) => read.has(name)))
    const expected = await run(after, { ...others, stream } as NamedTensors)
    const { logits } = await run(without(model, [layer]), feeds)
    expect(difference(numbers(logits), numbers(expected.logits))).toBeLessThan(1e-5)
  })

  test('two layers are left out, and tokens of the rest can be pruned', () => {
    const rest = without(model, [3, 1])
    const found = inspect(rest)
    expect(found.ok && found.layers.length).toBe(2)
    const [{ cuts }] = transform(
      rest,
      prune({ method: random(), schedule: schedule(2, { keep: 0.5, layers: [0] }) }),
    ).reports
    expect(cuts.map(({ layer }) => layer)).toEqual([0])
  })
})

test('where the last layer is an output of the file, the output is what the layer before returns', async () => {
  const model = decodeModel(encoder({ ...plain, pooling: 'none' }))
  const feeds = inputsOf(plain, 2, 6, 3)
  const found = inspect(model)
  const { input, output = '' } = (found.ok && found.layers[3]) as LayerReport
  const states = opened(model, (graph) => {
    graph.addOutput(input, 'float32', [undefined, undefined, 8])
    if (!graph.isOutput(output)) graph.addOutput(output, 'float32', [undefined, undefined, 8])
  })
  const result = await run(without(states, [3]), feeds)
  expect(result[output]).toEqual((await run(states, feeds))[input])
})

describe('before pruning', () => {
  const model = decodeModel(encoder(plain))
  const amounts = { keep: 0.5, layers: [1] }

  test('layers are left out, and the schedule counts those that remain', () => {
    const seen: number[] = []
    const options: PruneOptions = {
      method: random(),
      schedule: ({ layerCount }) => {
        seen.push(layerCount)
        return schedule(layerCount, amounts)
      },
    }
    const both = transform(model, leaveOut({ layers: [1, 2] }), prune(options))
    expect(seen).toEqual([2])
    const after = transform(without(model, [2, 1]), prune({ method: random(), schedule: schedule(2, amounts) }))
    expect(encodeModel(both.model)).toEqual(encodeModel(after.model))
    const read = inspect(decodeModel(encodeModel(both.model)))
    expect(read.ok && read.leftOut).toMatchObject([{ layers: [1, 2], of: 4 }])
  })

  test('layers cannot be left out of a model that is pruned already', () => {
    const pruned = transform(model, prune({ method: random(), schedule: schedule(4, amounts) })).model
    expect(() =>
      transform(pruned, leaveOut({ layers: [3] }), prune({ method: random(), schedule: new Map() })),
    ).toThrow(expect.objectContaining({ code: 'TP_PRUNED' }))
  })
})

describe('two encoders in one file', () => {
  const [a, b] = ['a_', 'b_'].map((prefix) => logitsOf({ ...plain, prefix }))
  const model = decodeModel(emitModel({ a, b } as Record<string, Tensor>))

  test('only the named one has fewer layers, and the record says which', () => {
    const left = transform(model, leaveOut({ layers: [0, 3], encoder: 'b_input_ids' }))
    const found = inspect(left.model)
    expect(found.ok && found.encoders.map(({ layerCount }) => layerCount)).toEqual([4, 2])
    expect(found.ok && found.leftOut).toMatchObject([{ encoder: 'b_input_ids', layers: [0, 3], of: 4 }])
  })

  test('one can have fewer layers where tokens of the other are pruned', () => {
    const options = { method: random(), schedule: schedule(4, { keep: 0.5, layers: [1] }), encoder: 'a_input_ids' }
    const pruned = transform(model, prune(options)).model
    expect(() => transform(pruned, leaveOut({ layers: [0], encoder: 'b_input_ids' }))).not.toThrow()
    expect(() => transform(pruned, leaveOut({ layers: [0], encoder: 'a_input_ids' }))).toThrow(
      expect.objectContaining({ code: 'TP_PRUNED' }),
    )
  })

  test('one has to be named', () => {
    const code = 'TP_ENCODER'
    const message = expect.stringContaining('name the one to leave layers out of: a_input_ids or b_input_ids')
    expect(() => transform(model, leaveOut({ layers: [3] }))).toThrow(expect.objectContaining({ code, message }))
  })
})

describe('the record in a file', () => {
  const model = decodeModel(encoder(plain))

  test('says which layers are left out, of how many, one step after the other', () => {
    expect(readLeftOut(model)).toEqual([])
    const twice = without(without(model, [3]), [0, 1])
    expect(readLeftOut(decodeModel(encodeModel(twice)))).toMatchObject([
      { layers: [3], of: 4 },
      { layers: [0, 1], of: 3 },
    ])
    expect(readLeftOut(without(model, []))).toEqual([])
  })

  test.each(['{', '3', '[null, 3, {}]', '[{"version":"1","layers":[0.5],"of":3}]'])('may hold %s', (text) => {
    const odd = cloneModel(model)
    metadata(odd).set('tp.left-out', text)
    const found = inspect(odd)
    expect(found.ok && found.leftOut).toEqual([])
  })
})

test.each(['post', 'pre'] as const)(
  'a %s-norm model with fused operators gives the answers of the plain one, or is refused',
  async (norm) => {
    const model = fusedEncoder({ fusion: 'Attention', norm, pooling: 'cls', layerCount: 3, seed: 4 })
    const written = cloneModel(model)
    unfuse(new Program(written))
    const feeds = inputsOf(plain, 2, 6, 3)
    const results = await Promise.all(
      [0, 1, 2].map(async (layer) => {
        const code = whyRefused(() => without(model, [layer]))?.code
        if (code !== undefined) return code
        const [{ logits }, expected] = [
          await run(without(model, [layer]), feeds),
          await run(without(written, [layer]), feeds),
        ]
        return difference(numbers(logits), numbers(expected.logits)) < 1e-5
      }),
    )
    expect(results).toEqual(norm === 'post' ? [true, true, true] : ['TP_LAYERS', 'TP_LAYERS', 'TP_LAYERS'])
  },
)

describe('refusals', () => {
  const model = decodeModel(encoder(plain))

  test.each([
    [[4], 'there is no layer 4; layers are 0 to 3'],
    [[-1], 'it must be a list of numbers of layers, from 0'],
    [[0, 1, 2, 3], 'no layer would remain'],
  ])('for layers %j', (layers, message) => {
    expect(() => transform(model, leaveOut({ layers }))).toThrow(TpError)
    expect(() => transform(model, leaveOut({ layers }))).toThrow(message)
  })

  test.each<[unknown, unknown, string, string]>([
    [3, undefined, 'TP_LAYERS', 'layers is 3; it must be a list of numbers of layers, from 0'],
    [undefined, {}, 'TP_LAYERS', 'layers is undefined'],
    [['0'], {}, 'TP_LAYERS', 'layers is a list of 1'],
    [[0n], {}, 'TP_LAYERS', 'layers is a list of 1'],
    [new Array(1), {}, 'TP_LAYERS', 'layers is a list of 1'],
    [new Array(2).fill(0, 1), undefined, 'TP_LAYERS', 'layers is a list of 2'],
    [[0], { encoders: 'a' }, 'TP_OPTION', 'there is no option encoders; there are layers, encoder'],
    [[0], { encoder: 3 }, 'TP_ENCODER', 'encoder is 3; it must be the name of an encoder'],
  ])('for layers %s and options %j', (layers, options, code, message) => {
    const ask = () => transform(model, leaveOut({ layers: layers as number[], ...(options as { encoder?: string }) }))
    expect(ask).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }))
  })

  test('where dead tokens are eliminated already, and only there', () => {
    const options = { method: random(), schedule: new Map() }
    const message = 'dead tokens are eliminated already; leave layers out of the file that it was made from'
    expect(() => transform(transform(model, prune(options)).model, leaveOut({ layers: [1] }))).toThrow(
      expect.objectContaining({ refusal: expect.objectContaining({ code: 'TP_PRUNED', message }) }),
    )
    const all = transform(model, leaveOut({ layers: [3] }), prune({ ...options, deadTokens: false })).model
    const found = inspect(without(all, [2]))
    expect(found.ok && [found.layers.length, found.pruned]).toEqual([2, []])
  })
})
