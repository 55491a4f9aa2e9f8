import { isTpError, schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { cloneModel, type GraphProto, type Model } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { inspect, prune } from '../src/index.ts'
import { fixtures, openFixture } from './fixtures.ts'
import { seeded } from './random.ts'

/** Ways to spoil a graph; `pick` chooses by chance. */
const mutations: Readonly<Record<string, (graph: GraphProto, pick: <T>(list: readonly T[]) => T) => void>> = {
  'a node is missing': (graph, pick) => graph.node.splice(graph.node.indexOf(pick(graph.node)), 1),
  'an operator is another one': (graph, pick) => {
    pick(graph.node).opType = pick([
      'MatMul',
      'Softmax',
      'Gather',
      'Reshape',
      'Concat',
      'Slice',
      'TopK',
      'Unknown',
      'Transpose',
    ])
  },
  'an input is another value': (graph, pick) => {
    const node = pick(graph.node.filter(({ input }) => input.length > 0))
    node.input[node.input.indexOf(pick(node.input))] = pick(graph.node).output[0] as string
  },
  'an input is missing': (graph, pick) => {
    const node = pick(graph.node.filter(({ input }) => input.length > 0))
    node.input.splice(0, 1)
  },
  'attributes are missing': (graph, pick) => {
    pick(graph.node.filter(({ attribute }) => attribute.length > 0)).attribute = []
  },
  'a weight is missing': (graph, pick) => {
    if (graph.initializer.length > 0) graph.initializer.splice(graph.initializer.indexOf(pick(graph.initializer)), 1)
  },
  'inputs have no shapes': (graph) => {
    for (const { type } of graph.input) {
      if (type?.value.case === 'tensorType') delete type.value.value.shape
    }
  },
  'all sizes have one name': (graph) => {
    for (const { type } of graph.input) {
      const dims = type?.value.case === 'tensorType' ? (type.value.value.shape?.dim ?? []) : []
      for (const dim of dims) dim.value = { case: 'dimParam', value: 'n' }
    }
  },
  'a domain is foreign': (graph, pick) => {
    pick(graph.node).domain = 'somebody.else'
  },
  'two values have one name': (graph, pick) => {
    pick(graph.node).output[0] = pick(graph.node).output[0] as string
  },
}

const each = 2

describe('a broken model gives a result or a refusal, never an exception', () => {
  for (const [name, mutate] of Object.entries(mutations)) {
    test(name, () => {
      for (const [at, fixture] of fixtures.slice(0, 5).entries()) {
        for (let i = 0; i < each; i++) {
          const normal = seeded(at * 1000 + i)
          const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.abs(normal()) * 1e6) % list.length] as T
          const model = cloneModel(openFixture(fixture))
          mutate(model.proto.graph as GraphProto, pick)
          expectNoCrash(model, `${fixture.name}, ${i}`)
        }
      }
    }, 30_000)
  }
})

function expectNoCrash(model: Model, what: string): void {
  for (const action of [
    () => inspect(model),
    () => prune(model, { method: receivedAttention(), schedule: schedule(3, { tokens: [5, 3] }), trace: true }),
    () => prune(model, { method: receivedAttention(), schedule: schedule(3, { mass: 0.8 }) }),
  ]) {
    try {
      const result = action()
      if (!result.ok) expect(result.refusal.message).toMatch(/^[^\n]{10,}$/)
    } catch (error) {
      // A block that is found no longer is a layer that does not exist.
      expect(isTpError(error) && error.code, `${what}: ${(error as Error).stack}`).toBe('TP_SCHEDULE')
    }
  }
}
