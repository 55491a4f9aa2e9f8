import {
  add,
  argMax,
  axisSize,
  constant,
  gather,
  gatherND,
  input,
  mul,
  range,
  reshape,
  squeeze,
  type Tensor,
  transpose,
} from '@tp/core'
import { createNode, decodeModel, encodeModel, Graph, type Model, type NodeProto } from '@tp/onnx'
import { fusedEncoder } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { passThroughIf } from '../../test/bodies.ts'
import { encoder } from '../../test/encoders.ts'
import { positionEncoder } from '../../test/position-encoders.ts'
import { difference, int64, numbers, run } from '../../test/run.ts'
import { Program, withEqualSizes } from '../program/program.ts'
import { viewBatchFirst } from './batch-first.ts'
import { decideBranches } from './branches.ts'
import { gatherConstants } from './constant-reads.ts'
import { countByInputs } from './counted-positions.ts'
import { readByExample } from './flat-reads.ts'
import { type NormalizePass, normalize, type Opening } from './normalize-pass.ts'
import { normalizations, openModel } from './open.ts'
import { readShiftedRows } from './shifted-rows.ts'
import { writeOutFused } from './unfuse.ts'

const plain = { layerCount: 2, heads: 2, headDim: 4, norm: 'pre', mask: 'added', opset: 17, seed: 5 } as const
const feeds = {
  input_ids: int64([2, 5], [2, 9, 4, 11, 23, 8, 5, 2, 7, 1]),
  attention_mask: int64([2, 5], [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]),
}

/** One model for each pass that it has something to do for. */
const models: readonly (readonly [pass: NormalizePass, model: () => Model])[] = [
  [decideBranches, () => withDecidableBranch(decodeModel(encoder({ ...plain, pooling: 'cls' })))],
  [writeOutFused, () => fusedEncoder({ fusion: 'Attention', norm: 'pre', pooling: 'cls', layerCount: 2, seed: 3 })],
  [gatherConstants, () => decodeModel(encoder({ ...plain, pooling: 'none', rotate: readHeads }))],
  [readShiftedRows, () => decodeModel(positionEncoder({ term: 'shifted, by indices', fold: 'none', masked: true }))],
  [readByExample, () => decodeModel(encoder({ ...plain, pooling: 'none', head: readFlat }))],
  [countByInputs, () => decodeModel(encoder({ ...plain, pooling: 'none', head: readCounted }))],
  [viewBatchFirst, () => decodeModel(positionEncoder({ term: 'none', fold: 'none', masked: true, tokensFirst: true }))],
]

describe.each(models.map(([pass, model]) => [pass.name, pass, model] as const))('%s', (_, pass, modelOf) => {
  const before = normalizations.slice(0, normalizations.indexOf(pass))

  test('edits a model that is not in this form', () => {
    const opened = open(modelOf(), before)
    const nodes = opened.program.graph.nodes.map(({ opType }) => opType)
    runOnce(pass, opened)
    expect(opened.program.graph.nodes.map(({ opType }) => opType)).not.toEqual(nodes)
  })

  test('does not change the answers', async () => {
    const model = modelOf()
    const expected = await run(encodeModel(model), feeds)
    const opened = open(model, before)
    runOnce(pass, opened)
    const results = await run(encodeModel(opened.program.model), feeds)
    for (const [name, tensor] of Object.entries(expected)) {
      expect(difference(numbers(results[name]), numbers(tensor)), name).toBeLessThan(1e-5)
    }
  })

  test('does not change a byte of a model that is in this form already', () => {
    const bytes = encoder({ ...plain, pooling: 'cls' })
    const opened = open(decodeModel(bytes), before)
    runOnce(pass, opened)
    expect(encodeModel(opened.program.model)).toEqual(bytes)
  })
})

// Views are added once: analysis looks them up, and would be given views of views.
const repeatable = models.filter(([pass]) => pass !== viewBatchFirst)

test.each(repeatable.map(([pass, model]) => [pass.name, pass, model] as const))(
  '%s has nothing to do a second time',
  (_, pass, modelOf) => {
    const opened = open(modelOf(), normalizations.slice(0, normalizations.indexOf(pass) + 1))
    const bytes = encodeModel(opened.program.model)
    runOnce(pass, opened)
    expect(encodeModel(opened.program.model)).toEqual(bytes)
  },
)

function open(model: Model, passes: readonly NormalizePass[]): Opening {
  const opened: Opening = { program: new Program(model), expansions: [] }
  withEqualSizes(() => normalize(opened, passes))
  return opened
}

function runOnce(pass: NormalizePass, opened: Opening): void {
  withEqualSizes(() => normalize(opened, [pass]))
}

/** The logits by way of an If that hangs on sizes alone. */
function withDecidableBranch(model: Model): Model {
  const graph = new Graph(model)
  const producer = graph.producer('logits') as NodeProto
  graph.renameOutput(producer, 0, 'raw')
  graph.insert([
    createNode({ type: 'Size', inputs: ['input_ids'], outputs: ['size'] }),
    createNode({ type: 'Equal', inputs: ['size', 'size'], outputs: ['yes'] }),
    passThroughIf('yes', 'raw', 'logits'),
  ])
  return model
}

/** Which token has the largest id, read from the last state as a row of [b·n,D] at i·n + index_i. */
function readFlat(x: Tensor): Tensor {
  const index = argMax(input('input_ids', 'int64', ['batch', 'sequence']), 1)
  const starts = mul(range(0, squeeze(axisSize(x, 0), [0])), squeeze(axisSize(x, 1), [0]))
  return gather(reshape(x, [-1, 8]), add(starts, index), 0)
}

/** Heads [b,h,n,d] in reverse, by tuples of one number from the end. */
function readHeads(x: Tensor): Tensor {
  const last = reshape(constant([-1, -2], 'int64'), [2, 1])
  return transpose(gatherND(transpose(x, [1, 0, 2, 3]), last, 0), [1, 0, 2, 3])
}

/** The last token that the mask attends to, among as many positions as there are states. */
function readCounted(x: Tensor): Tensor {
  const positions = range(0, squeeze(axisSize(x, 1), [0]))
  return gatherND(
    x,
    argMax(mul(positions, input('attention_mask', 'int64', ['batch', 'sequence'])), 1, { keepDims: true }),
    1,
  )
}

test('opens a model without declarations of values that it does not have, or that are declared again', () => {
  const model = decodeModel(encoder({ ...plain, pooling: 'cls' }))
  const graph = model.proto.graph as NonNullable<Model['proto']['graph']>
  const inner = graph.node[0]?.output[0] as string
  const opened = new Graph(model)
  opened.setValueInfo(inner, 'float32', ['p'])
  opened.setValueInfo('idle', 'float32', ['p'])
  const known = graph.valueInfo.find(({ name }) => name === inner) as (typeof graph.valueInfo)[number]
  for (let i = 0; i < 3000; i++) graph.valueInfo.push({ ...known })
  const { valueInfo } = openModel(model).program.model.proto.graph as typeof graph
  expect(valueInfo.filter(({ name }) => name === inner)).toHaveLength(1)
  expect(valueInfo.some(({ name }) => name === 'idle')).toBe(false)
})
