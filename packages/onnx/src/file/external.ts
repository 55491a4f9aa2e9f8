import { TpError } from '@tp/core'
import type { GraphProto, TensorProto } from 'onnx-buf'
import { attributeGraphs } from '../graph/subgraph.ts'
import { EXTERNAL } from '../protobuf/schema.ts'
import type { Model } from './model.ts'

/** Where a tensor's bytes lie outside the model file. Offsets go beyond 2 GiB, exactly. */
export interface ExternalTensor {
  readonly name: string
  readonly location: string
  readonly offset: number
  /** Bytes; undefined if the file does not say: to the end of the data file. */
  readonly length: number | undefined
}

/** Every tensor kept in a data file, in file order, those in subgraphs and attributes too. */
export function externalTensors(model: Model): ExternalTensor[] {
  const found: ExternalTensor[] = []
  const visit = (graph: GraphProto): void => {
    for (const tensor of graph.initializer) add(tensor)
    for (const node of graph.node) {
      for (const attribute of node.attribute) {
        if (attribute.t !== undefined) add(attribute.t)
        for (const tensor of attribute.tensors) add(tensor)
      }
      for (const inner of attributeGraphs(node)) visit(inner)
    }
  }
  const add = (tensor: TensorProto): void => {
    const where = externalOf(tensor)
    if (where !== undefined) found.push(where)
  }
  if (model.proto.graph !== undefined) visit(model.proto.graph)
  return found
}

/**
 * Where the bytes of a tensor lie, or undefined for a tensor kept in the model file.
 * @throws TpError TP_EXTERNAL_PATH for a location outside the folder, TP_EXTERNAL for an unreadable entry
 */
export function externalOf(tensor: TensorProto): ExternalTensor | undefined {
  if (tensor.dataLocation !== EXTERNAL) return undefined
  const entry = (key: string): string | undefined => tensor.externalData.find((pair) => pair.key === key)?.value
  const location = entry('location')
  if (location === undefined) {
    throw new TpError(
      'TP_EXTERNAL',
      'onnx',
      `tensor "${tensor.name}" lies in a data file, but the model does not name it`,
    )
  }
  checkExternalLocation(location)
  const length = entry('length')
  return {
    name: tensor.name,
    location,
    offset: byteCount(entry('offset') ?? '0', tensor.name),
    length: length === undefined ? undefined : byteCount(length, tensor.name),
  }
}

function byteCount(text: string, name: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(count)) return count
  throw new TpError(
    'TP_EXTERNAL',
    'onnx',
    `tensor "${name}" gives ${JSON.stringify(text)} as a position in its data file`,
  )
}

/**
 * Lets pass only a path that stays in the model's folder on every system.
 * @throws TpError TP_EXTERNAL_PATH
 */
export function checkExternalLocation(location: string): void {
  const parts = location.split(/[/\\]/)
  const leaves =
    location === '' ||
    location.includes('\0') ||
    location.includes('\\') || // a separator on Windows, a plain character elsewhere: nobody means the latter
    location.startsWith('/') ||
    /^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(location) || // drive letter or URL
    parts.includes('..')
  if (!leaves) return
  throw new TpError(
    'TP_EXTERNAL_PATH',
    'onnx',
    `the model keeps weights in ${JSON.stringify(location)}, which is not a path inside its own folder; ` +
      'save the model again with its data file next to it',
  )
}
