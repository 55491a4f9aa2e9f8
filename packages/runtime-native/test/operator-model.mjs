import { createModel, createNode, encodeModel, Graph } from '@tp/onnx'

/**
 * @typedef {readonly [type: import('@tp/core').DType, rank: number]} Declared
 */

/**
 * The bytes of a model of one operator of packed files, whose inputs and outputs are those of the graph; `null` leaves one out.
 * @param {'Rows' | 'Pack' | 'Unpack' | 'PackedAttention' | 'RoundRows' | 'ScaleRows' | 'RescaleRows'} type
 * @param {Record<string, Declared | null>} inputs in the operator's order
 * @param {Record<string, Declared>} outputs
 * @param {import('@tp/core/expression').Attributes} attributes
 * @returns {Uint8Array}
 */
export function operatorModel(type, inputs, outputs, attributes = {}) {
  const model = createModel(17)
  const [opset] = model.proto.opsetImport
  if (opset !== undefined) model.proto.opsetImport.push({ ...opset, domain: 'tp', version: 1n })
  const graph = new Graph(model)
  for (const [name, declared] of Object.entries(inputs)) if (declared !== null) graph.addInput(name, ...open(declared))
  const names = Object.entries(inputs).map(([name, declared]) => (declared === null ? '' : name))
  while (names.at(-1) === '') names.pop()
  const node = { type, domain: 'tp', name: `${type}_0` }
  graph.insert([createNode({ ...node, inputs: names, outputs: Object.keys(outputs), attributes })])
  for (const [name, declared] of Object.entries(outputs)) graph.addOutput(name, ...open(declared))
  return encodeModel(model)
}

/**
 * @param {Declared} declared
 * @returns {[import('@tp/core').DType, undefined[]]}
 */
function open([type, rank]) {
  return [type, new Array(rank).fill(undefined)]
}

/** @type {Record<string, Declared>} */
const attentionInputs = {
  query: ['float32', 4],
  key: ['float32', 4],
  value: ['float32', 4],
  offsets: ['int64', 1],
  keyBias: ['float32', 2],
  bias: ['float32', 4],
  positions: ['int64', 1],
  queryWeights: ['float32', 2],
}

/**
 * PackedAttention with the optional inputs that are named, and `received` where queryWeights are.
 * @param {readonly string[]} optional
 * @param {import('@tp/core/expression').Attributes} attributes besides those of a plain attention
 * @param {{ offsets?: boolean }} options
 */
export function attentionModel(optional = [], attributes = {}, { offsets = true } = {}) {
  /** @type {Record<string, Declared | null>} */
  const inputs = {}
  for (const [i, [name, declared]] of Object.entries(attentionInputs).entries()) {
    inputs[name] = i < 3 || (i === 3 && offsets) || optional.includes(name) ? declared : null
  }
  /** @type {Record<string, Declared>} */
  const outputs = { context: ['float32', 4] }
  if (optional.includes('queryWeights')) outputs.received = ['float32', 4]
  return operatorModel('PackedAttention', inputs, outputs, { ...plain, ...attributes })
}

const plain = {
  scale: 0.125,
  queryAxes: [1, 2, 3],
  keyAxes: [1, 2, 3],
  valueAxes: [1, 2, 3],
  contextAxes: [1, 2, 3],
}
