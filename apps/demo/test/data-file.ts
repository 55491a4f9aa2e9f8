import { decodeModel, encodeModel } from '@tp/onnx'

/** Of ONNX's TensorProto.DataLocation. */
const EXTERNAL = 1

/** A model whose larger weights lie in a data file next to it, as exporters write those above 2 GB. */
export function withDataFile(bytes: Uint8Array, location: string): { model: Uint8Array; data: Uint8Array } {
  const model = decodeModel(bytes)
  const parts: Uint8Array[] = []
  let offset = 0
  for (const tensor of model.proto.graph?.initializer ?? []) {
    const { rawData } = tensor
    if (rawData === undefined || rawData.length < 1024) continue
    const entries = { location, offset: String(offset), length: String(rawData.length) }
    const externalData = Object.entries(entries).map(([key, value]) => {
      return { $typeName: 'onnx.StringStringEntryProto' as const, key, value }
    })
    parts.push(rawData)
    offset += rawData.length
    Object.assign(tensor, { rawData: undefined, externalData, dataLocation: EXTERNAL })
  }
  return { model: encodeModel(model), data: Buffer.concat(parts) }
}
