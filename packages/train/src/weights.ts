import { constantData } from '@tp/core'
import { cloneModel, Graph, lift, type Model, writeTensor } from '@tp/onnx'

/** Numbers that learn, row-major. */
export interface Weight {
  readonly type: 'float32'
  readonly dims: readonly number[]
  readonly data: Float32Array
}

/** By the name of the initializer that holds them. */
export type Weights = ReadonlyMap<string, Weight>

/** Which weights learn, by name and shape. */
export type Trains = (name: string, dims: readonly number[]) => boolean

/** Copies of the weights of a model that learn: floats of more than one element that `trains` says yes to. */
export function weightsOf(model: Model, trains: Trains): Weights {
  const graph = new Graph(model)
  const lifted = lift(graph)
  const weights = new Map<string, Weight>()
  for (const { name, dataType, dims } of graph.initializers) {
    const sizes = dims.map(Number)
    if (dataType !== FLOAT || sizes.reduce((a, b) => a * b, 1) < 2 || !trains(name, sizes)) continue
    const data = constantData(lifted.tensor(name))?.data
    if (data !== undefined) weights.set(name, { type: 'float32', dims: sizes, data: Float32Array.from(data) })
  }
  return weights
}

/** ONNX's number of 32-bit floats. */
const FLOAT = 1

/** Everything but tables of embeddings, of which a text touches few rows. */
export function allButTables(model: Model): Trains {
  const tables = new Set(
    new Graph(model).nodes.filter(({ opType }) => opType === 'Gather').map(({ input }) => input[0]),
  )
  return (name) => !tables.has(name)
}

/** The model with these weights in place of its own. */
export function withWeights(model: Model, weights: Weights): Model {
  const changed = cloneModel(model)
  for (const tensor of changed.proto.graph?.initializer ?? []) {
    const weight = weights.get(tensor.name)
    if (weight === undefined) continue
    const { rawData } = writeTensor(weight, tensor.name)
    tensor.rawData = rawData
    tensor.floatData = []
  }
  return changed
}
