import { readFileSync } from 'node:fs'
import { pack, prune, quantize, transform } from '@tp/compiler'
import { schedule } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel, type Model, type NodeProto } from '@tp/onnx'
import { describe, expect, test } from 'vitest'
import { checkPackedGraph } from './packed-graph.ts'

const mail = (): Model => decodeModel(readFileSync(modelPath('mail')))
const plan = { method: receivedAttention(), schedule: schedule(6, { keep: 0.5 }) }
const pruned = transform(mail(), prune(plan)).model
const files = {
  packed: transform(mail(), pack()).model,
  'pruned and packed': transform(pruned, pack()).model,
  'in 8 bits, pruned and packed': transform(pruned, quantize(), pack()).model,
}

/** A copy whose first node of a type was changed. */
function changed(model: Model, type: string, change: (node: NodeProto, model: Model) => void): Model {
  const copy = decodeModel(encodeModel(model).slice())
  const node = copy.proto.graph?.node.find(({ domain, opType }) => domain === 'tp' && opType === type) as NodeProto
  change(node, copy)
  return copy
}

const setInput = (node: NodeProto, index: number, name: string): void => void node.input.splice(index, 1, name)
const setAttribute = (node: NodeProto, name: string, value: object): void =>
  void Object.assign(node.attribute.find((own) => own.name === name) as object, value)

describe.each(Object.entries(files))('a file that is %s', (_, file) => {
  test('passes as it was written', () => expect(() => checkPackedGraph('test', file)).not.toThrow())

  test.each<[string, string, (node: NodeProto, model: Model) => void, RegExp]>([
    ['an attention without offsets', 'PackedAttention', (node) => setInput(node, 3, ''), /offsets are not "/],
    ['an attention with other offsets', 'PackedAttention', (node) => setInput(node, 3, 'x'), /offsets are not "/],
    [
      'heads in the place of examples',
      'PackedAttention',
      (node) => setAttribute(node, 'contextPerm', { ints: [2n, 0n, 1n, 3n] }),
      /change places with examples/,
    ],
    ['tokens in the axis of examples', 'Unpack', (node) => setAttribute(node, 'rows', { i: 1n }), /would share axis 1/],
    ['other attended tokens', 'Unpack', (node) => setInput(node, 2, 'attention_mask'), /not those that/],
    ['other positions', 'Pack', (node) => setInput(node, 1, 'x'), /are not those of a Rows/],
    [
      'a packed tensor that is packed again',
      'Pack',
      (node, { proto }) => {
        const nodes = proto.graph?.node as NodeProto[]
        nodes.push({ ...node, input: [node.output[0] as string, node.input[1] as string], output: ['again'] })
      },
      /is packed already/,
    ],
    [
      'a weight of several rows that is packed',
      'Pack',
      (node, { proto }) => {
        const isMatrix = ({ dims }: { dims: bigint[] }): boolean => dims.length === 2 && dims[0] !== 1n
        node.input[0] = proto.graph?.initializer.find(isMatrix)?.name as string
      },
      /is a weight/,
    ],
  ])('refuses one with %s', (_name, type, change, message) => {
    expect(() => checkPackedGraph('test', changed(file, type, change))).toThrow(
      expect.objectContaining({ code: 'TP_MODEL_LOAD', message: expect.stringMatching(message) }),
    )
  })
})
