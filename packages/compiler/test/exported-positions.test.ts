import { schedule } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { receivedAttention } from '@tp/method-attention'
import { cloneModel, createNode, Graph, type Model, type NodeProto } from '@tp/onnx'
import { inTurn } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspect, prune, transform } from '../src/index.ts'
import { dataSets, fixture, fixtures, openFixture } from './fixtures.ts'
import { keptAt } from './hidden-keys.ts'
import { difference, float32, numbers, rows, run } from './run.ts'

/**
 * Exported encoders that have no stored results of pruning: here pruned tokens are masked as keys from later layers of the
 * dense graph, and what the head makes of the rest is computed from its states.
 */
const names = ['siglip-text-ts17', 'timm-eva02-rope-ts17', 'wav2vec2-mask-ts17', 'wav2vec2-cls-ts17']
const BATCH_AXES = [undefined, undefined]

describe('pruned tokens might as well be masked', () => {
  for (const [row, name] of names.entries()) {
    if (!fixtures.some((candidate) => candidate.name === name)) {
      test.skip(`${name} (left out: the shared folder is not here)`, () => {})
      continue
    }
    for (const amounts of inTurn([{ keep: 0.6 }, { mass: 0.8 }], row, 1)) {
      test(`${name}, ${JSON.stringify(amounts)}`, async () => {
        const own = fixture(name)
        for (const { inputs } of dataSets(own)) await expectHidden(openFixture(own), amounts, inputs)
      })
    }
  }
})

async function expectHidden(model: Model, amounts: object, inputs: NamedTensors): Promise<void> {
  const plan = { method: receivedAttention(), schedule: schedule(3, { layers: [0, 1], ...amounts }), trace: true }
  const result = transform(model, prune(plan))
  const seen = inspect(model)
  if (!seen.ok) throw new Error(`refused: ${JSON.stringify(seen)}`)
  const pooling = poolingOf(new Graph(model))
  if (pooling !== undefined) new Graph(result.model).addOutput(pooling.mean, 'float32', BATCH_AXES)
  const pruned = await run(result.model, inputs)

  const dense = new Graph(model)
  const tokens = await tokenCount(model, seen.layers[0]?.attention as string, inputs)
  const kept = [0, 1].map((layer) => keptAt(pruned, layer))
  const feeds: Record<string, TensorLike> = { ...inputs }
  for (const layer of [1, 2]) {
    const softmax = dense.nodes.find((node) => node.name === seen.layers[layer]?.attention) as NodeProto
    const [left, hidden] = [kept[layer - 1] as number[][], `hidden_${layer}`]
    dense.addInput(hidden, 'float32', [undefined, 1, 1, undefined])
    const sum = createNode({ type: 'Add', inputs: [softmax.input[0] as string, hidden], outputs: [`${hidden}/sum`] })
    dense.insert([sum], softmax)
    dense.replaceInput(softmax, 0, `${hidden}/sum`)
    const bias = left.flatMap((row) => Array.from({ length: tokens }, (_, token) => (row.includes(token) ? 0 : -1e9)))
    feeds[hidden] = float32([left.length, 1, 1, tokens], bias)
  }
  if (pooling === undefined) {
    const expected = await run(model, feeds)
    for (const output of dense.outputs) {
      expect(difference(numbers(pruned[output.name]), numbers(expected[output.name]))).toBeLessThan(1e-5)
    }
    return
  }
  dense.addOutput(pooling.states, 'float32', [...BATCH_AXES, undefined])
  const states = (await run(model, feeds))[pooling.states] as TensorLike
  const [, count, width] = states.dims as [number, number, number]
  const expected = rows(states).map((row, b) => {
    // A mean may leave out leading tokens.
    const own = ((kept[1] as number[][])[b] as number[])
      .map((token) => token - (tokens - count))
      .filter((position) => position >= 0)
    return Array.from(
      { length: width },
      (_, i) => own.reduce((sum, position) => sum + (row[position * width + i] as number), 0) / own.length,
    )
  })
  expect(difference(numbers(pruned[pooling.mean]), expected.flat())).toBeLessThan(1e-5)
}

/** Where the mean over the tokens is taken, if it is: the states, and the mean. */
function poolingOf(graph: Graph): { states: string; mean: string } | undefined {
  const node = graph.nodes.findLast(({ opType, output }) => {
    const reader = graph.consumers(output[0] as string)[0]?.node.opType
    return opType === 'ReduceMean' || (opType === 'ReduceSum' && reader === 'Div')
  })
  if (node === undefined) return undefined
  const [output] = node.output as [string]
  const mean = node.opType === 'ReduceMean' ? output : (graph.consumers(output)[0]?.node.output[0] as string)
  return { states: node.input[0] as string, mean }
}

async function tokenCount(model: Model, softmax: string, inputs: NamedTensors): Promise<number> {
  const graph = new Graph(cloneModel(model))
  const probabilities = graph.nodes.find((node) => node.name === softmax)?.output[0] as string
  graph.addOutput(probabilities, 'float32', [undefined, undefined, undefined, undefined])
  const results = await run(graph.model, inputs)
  return (results[probabilities] as TensorLike).dims[3] as number
}
