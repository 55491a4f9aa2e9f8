import { sizeOf } from '@tp/core/runtime'
import { cloneModel, dtypeOf, Graph, type Model, readTensor, writeTensor } from '@tp/onnx'

/** Numbers that learn, row-major. */
export interface Weight {
  readonly type: 'float32'
  readonly dims: readonly number[]
  readonly data: Float32Array
  /** For values of a method: the learning rate as a multiple of the training's. */
  readonly rate?: number
  /** It is clipped to this range after every step. */
  readonly range?: readonly [number, number]
}

/** By the name of the initializer that holds them. */
export type Weights = ReadonlyMap<string, Weight>

/** Which weights learn, by name and shape. */
export type Trains = (name: string, dims: readonly number[]) => boolean

/** Copies of the weights of a model that learn: floats of more than one element that `trains` selects. */
export function weightsOf(model: Model, trains: Trains): Weights {
  const weights = new Map<string, Weight>()
  for (const tensor of new Graph(model).initializers) {
    const { name, dataType } = tensor
    const dims = tensor.dims.map(Number)
    if (dtypeOf(dataType) !== 'float32' || sizeOf(dims) < 2 || !trains(name, dims)) continue
    weights.set(name, { type: 'float32', dims, data: readTensor(tensor, model.external).data as Float32Array })
  }
  return weights
}

/** All but embedding tables, of which a text reads few rows. */
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
    tensor.rawData = writeTensor(weight, tensor.name).rawData
    // Its numbers may have been in this list, or in a data file.
    tensor.floatData = []
    if (tensor.externalData.length === 0) continue
    tensor.externalData = []
    tensor.dataLocation = 0
  }
  return changed
}
