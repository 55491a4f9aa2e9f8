import { externalTensors, type Model, readTensor, writeTensor } from '@tp/onnx'

/** A file of protobuf ends at 2 GiB. */
const MOST = 2 ** 30

/**
 * Stores the weights of a data file in the model itself, if there is room: little is left in it after quantizing, and it would have
 * to accompany the model as it is.
 */
export function inlineExternal(model: Model): void {
  const bytes = externalTensors(model).reduce((sum, { length = MOST }) => sum + length, 0)
  const { graph } = model.proto
  if (graph === undefined || bytes >= MOST) return
  for (const tensor of graph.initializer) {
    if (tensor.externalData.length === 0) continue
    const { rawData } = writeTensor(readTensor(tensor, model.external), tensor.name)
    Object.assign(tensor, { rawData, externalData: [], dataLocation: 0 })
  }
}
