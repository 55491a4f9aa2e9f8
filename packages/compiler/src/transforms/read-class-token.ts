import { type DType, TpError } from '@tp/core'
import { cloneModel, createNode, Graph, type Model } from '@tp/onnx'
import { requireOptions } from '../plan/require-options.ts'
import { hasOneRow } from './conditions.ts'
import type { Transform } from './transform.ts'

export interface ReadClassTokenOptions {
  /** Name of the output; one that has one row already remains as it is. */
  readonly output: string
}

export interface ReadClassTokenReport extends ReadClassTokenOptions {
  readonly transform: 'readClassToken'
}

/**
 * Gives an output [b,n,D] one row, [b,1,D]: the state of the class token, for an embedder whose vectors are pooled outside by the
 * first token, such as BGE. Readers of that token find the same as before, and pruning sees a head that reads no other, so that no
 * row has to be restored, and the last layer computes one.
 * @throws TpError TP_OUTPUT, once applied, for what is not an output of three axes that a node computes
 * @example
 * const output = 'last_hidden_state'
 * const { model } = transform(dense, readClassToken({ output }), prune({ method: none(), schedule: new Map() }))
 */
export function readClassToken(options: ReadClassTokenOptions): Transform<ReadClassTokenReport> {
  requireOptions(options, ['output'])
  const { output } = options
  return {
    name: 'readClassToken',
    requires: [],
    ensures: [hasOneRow(output)],
    apply: ({ model }) => ({ model: withOneRow(model, output), report: { transform: 'readClassToken', output } }),
  }
}

function withOneRow(source: Model, output: string): Model {
  const model = cloneModel(source)
  const graph = new Graph(model)
  const { type, dims } = graph.outputs.find(({ name }) => name === output) ?? {}
  const node = graph.producer(output)
  if (node === undefined || type === undefined || dims?.length !== 3) {
    const seen = graph.outputs.map((own) => `${own.name} [${own.dims ?? ''}]`).join(', ')
    const problem = `${output} is not an output [batch, tokens, features] that a node computes`
    throw new TpError('TP_OUTPUT', 'compiler', `${problem}; the model has ${seen}`)
  }
  if (dims[1] === 1) return source
  const states = graph.uniqueName(`tp/${output}`)
  const position = graph.uniqueName(`tp/${output}/class-token`)
  graph.renameOutput(node, node.output.indexOf(output), states)
  graph.addInitializer(position, { type: 'int64', dims: [1], data: BigInt64Array.of(0n) })
  const attributes = { axis: 1 }
  graph.insert([
    createNode({ type: 'Gather', name: position, inputs: [states, position], outputs: [output], attributes }),
  ])
  graph.setValueInfo(
    output,
    type as DType,
    dims.map((dim, axis) => (axis === 1 ? 1 : dim === '?' ? undefined : dim)),
  )
  graph.sortTopologically()
  return model
}
