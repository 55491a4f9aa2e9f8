import { TpError } from '@tp/core'
import { externalTensors, type Model, type ReadExternal, readTensor, writeTensor } from '@tp/onnx'

/** Weights of a model in files next to it, by their paths. */
export type DataFiles = ReadonlyMap<string, Uint8Array>

/** A page has no more memory for one file. */
const MOST = 2 ** 30

/** Reads from files that are at hand. */
export function readFrom(files: DataFiles): ReadExternal {
  return (location, offset, length) => {
    const bytes = fileAt(files, location).subarray(offset, offset + length)
    if (bytes.length === length) return bytes
    const seen = `it ends ${length - bytes.length} bytes before the weights do`
    throw new TpError('TP_EXTERNAL', 'demo', `${location} is not the data file of this model: ${seen}`)
  }
}

/**
 * Moves weights from data files into the model, as sessions in a page read them.
 * @throws TpError TP_EXTERNAL where a file is missing, is another one, or all together are too large
 */
export function inlineWeights(model: Model, files: DataFiles): void {
  const external = externalTensors(model)
  for (const location of new Set(external.map(({ location }) => location))) fileAt(files, location)
  const bytes = external.reduce((sum, { length = 0 }) => sum + length, 0)
  if (bytes > MOST) {
    throw new TpError(
      'TP_EXTERNAL',
      'demo',
      `its weights are ${(bytes / 1e9).toFixed(1)} GB, too many for a page; use tp prune`,
    )
  }
  for (const tensor of model.proto.graph?.initializer ?? []) {
    if (tensor.externalData.length === 0) continue
    const { rawData } = writeTensor(readTensor(tensor, model.external), tensor.name)
    Object.assign(tensor, { rawData, externalData: [], dataLocation: 0 })
  }
}

/** By its path, or by its name: files that are chosen or dropped have no folder. */
function fileAt(files: DataFiles, location: string): Uint8Array {
  const name = location.replace(/^.*\//, '')
  const found = files.get(location) ?? files.get(name)
  if (found !== undefined) return found
  throw new TpError(
    'TP_EXTERNAL',
    'demo',
    `its weights are in ${location}; add that file, it is next to the .onnx file`,
  )
}
