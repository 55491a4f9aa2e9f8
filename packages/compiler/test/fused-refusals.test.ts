import { schedule } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { clsAttention } from '@tp/method-attention'
import { createNode, Graph, type NodeProto } from '@tp/onnx'
import { type Fusion, fusedEncoder } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { inspect, prune, type Refusal, transform, whyRefused } from '../src/index.ts'

type Change = (attention: readonly NodeProto[], graph: Graph) => void

interface Form {
  readonly fusion: Fusion
  readonly change: Change
  readonly code: Refusal['code']
  readonly message: RegExp
}

const decoder = { code: 'TP_FUSED_ATTENTION', message: /keeps the keys and values of earlier tokens/ } as const
const unknown = {
  code: 'TP_FUSED_ATTENTION',
  message: /in a form that cannot be written out; prune the model as/,
} as const
const past = ['batch', 2, 'before', 4]

const forms: Record<string, Form> = {
  'Attention with earlier keys': { fusion: 'Attention', change: inputAt([4], [2, ...past]), ...decoder },
  'MultiHeadAttention with earlier keys': { fusion: 'MultiHeadAttention', change: inputAt([6, 7], past), ...decoder },
  "ONNX's Attention with earlier keys": { fusion: "ONNX's Attention", change: inputAt([4, 5], past), ...decoder },
  DecoderMaskedMultiHeadAttention: {
    fusion: 'MultiHeadAttention',
    change: renamed('DecoderMaskedMultiHeadAttention'),
    ...decoder,
  },
  GroupQueryAttention: { fusion: 'MultiHeadAttention', change: renamed('GroupQueryAttention'), ...decoder },
  'Attention that turns positions itself': { fusion: 'Attention', change: attribute('do_rotary'), ...unknown },
  'Attention, a bias of other heads': { fusion: 'Attention', change: inputAt([5], [1, 3, 12, 12]), ...unknown },
  'MultiHeadAttention, a bias of three axes': {
    fusion: 'MultiHeadAttention',
    change: inputAt([5], [2, 'sequence', 'sequence']),
    ...unknown,
  },
  'Attention, a bias that is an input': {
    fusion: 'Attention',
    change: inputAt([5], [1, 2, 'sequence', 'sequence']),
    code: 'TP_MASK',
    message: /^the scores of attention depend on .*it is not known which tokens are padding$/,
  },
  'Attention, a mask of the longest length': {
    fusion: 'Attention',
    change: (nodes, graph) => {
      graph.addInput('mask', 'int32', ['batch', 1, 'longest', 'longest'])
      for (const node of nodes) node.input[3] = 'mask'
    },
    ...unknown,
  },
}

describe('fused attention in forms that cannot be pruned', () => {
  test.each(Object.entries(forms))('refuses the attention: %s', (_, { fusion, change, code, message }) => {
    const model = fusedEncoder({ fusion, layerCount: 3, norm: 'post', pooling: 'cls', seed: 1 })
    const graph = new Graph(model)
    change(
      graph.nodes.filter(({ opType }) => opType.endsWith('Attention')),
      graph,
    )
    const options = { method: clsAttention(), schedule: schedule(3, { layers: [0], keep: 0.5 }) }
    const refusal = whyRefused(() => transform(model, prune(options)))
    expect(refusal).toMatchObject({
      code,
      message: expect.stringMatching(message),
      node: expect.stringMatching(/Attention/),
    })
    expect(inspect(model)).toEqual({ ok: false, refusal })
  })
})

test('refuses keys and values that are outputs of the model', () => {
  const model = fusedEncoder({ fusion: 'Attention', layerCount: 3, norm: 'post', pooling: 'cls', seed: 1 })
  const graph = new Graph(model)
  for (const node of graph.nodes.filter(({ opType }) => opType === 'Attention')) {
    const name = `${node.output[0]}/keys`
    node.output.push(name)
    graph.addOutput(name, 'float32', [2, 'batch', 2, 'sequence', 4])
  }
  expect(() =>
    transform(model, prune({ method: clsAttention(), schedule: schedule(3, { layers: [0], keep: 0.5 }) })),
  ).toThrow(
    expect.objectContaining({
      code: 'TP_TOKEN_OUTPUT',
      message: expect.stringContaining('it has rows of tokens that are pruned upstream of it'),
    }),
  )
})

function attribute(name: string): Change {
  const [flag] = createNode({
    type: 'Attention',
    name: 'a',
    inputs: [],
    outputs: [],
    attributes: { [name]: 1 },
  }).attribute
  if (flag === undefined) throw new Error('a node without its attribute')
  return (nodes) => {
    for (const node of nodes) node.attribute.push(flag)
  }
}

/** All attentions read further inputs of the model. */
function inputAt(positions: readonly number[], dims: readonly Dim[]): Change {
  return (nodes, graph) => {
    for (const position of positions) {
      const name = `given${position}`
      graph.addInput(name, 'float32', dims)
      for (const node of nodes) {
        while (node.input.length <= position) node.input.push('')
        node.input[position] = name
      }
    }
  }
}

function renamed(type: string): Change {
  return (nodes) => {
    for (const node of nodes) node.opType = type
  }
}
