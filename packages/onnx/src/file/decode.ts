import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { TpError } from '@tp/core'
import type { ModelProto } from 'onnx-buf'
import { BeyondLimit, type Packing, readMessage } from '../protobuf/read-message.ts'

/**
 * Parses a model; tensor bytes are views of `bytes`.
 * @throws TpError TP_NOT_ONNX, TP_TRUNCATED, or TP_TOO_COMPLEX where it is larger or deeper than models are
 */
export function decode(bytes: Uint8Array): { proto: ModelProto; packing: Packing } {
  if (bytes.length === 0) throw new TpError('TP_NOT_ONNX', 'onnx', 'the file is empty; give the path of an .onnx file')
  if (startsWith(bytes, 'version https://git-lfs')) {
    throw new TpError('TP_NOT_ONNX', 'onnx', 'this is a Git LFS pointer, not the model; fetch it with `git lfs pull`')
  }
  let proto: ModelProto
  let packing: Packing
  try {
    ;({ message: proto, packing } = readMessage('ModelProto', bytes))
  } catch (cause) {
    throw unreadable(bytes, cause)
  }
  if (proto.graph === undefined) {
    throw topLevel(bytes) !== 'foreign'
      ? truncated(bytes)
      : new TpError('TP_NOT_ONNX', 'onnx', 'the file holds no ONNX graph; give the path of an .onnx file')
  }
  // Writers put opset_import after the graph, so a file that ends with the graph has lost its end.
  if (proto.opsetImport.length === 0) throw truncated(bytes)
  return { proto, packing }
}

function unreadable(bytes: Uint8Array, cause: unknown): TpError {
  if (cause instanceof BeyondLimit) {
    return new TpError('TP_TOO_COMPLEX', 'onnx', `the ONNX file is not read: ${cause.message}`, { cause })
  }
  if (topLevel(bytes) === 'cut') return truncated(bytes, cause)
  const reason = cause instanceof Error ? ` (${cause.message})` : ''
  return new TpError(
    'TP_NOT_ONNX',
    'onnx',
    `not an ONNX file, or a damaged one${reason}; give the path of an .onnx file`,
    { cause },
  )
}

function truncated(bytes: Uint8Array, cause?: unknown): TpError {
  const seen = `the ONNX file ends after ${bytes.length} bytes, before its end`
  return new TpError('TP_TRUNCATED', 'onnx', `${seen}; download or copy it again`, { cause })
}

/** Wire types of ModelProto's first fields; anything else at the start is another kind of file. */
const modelFields: Readonly<Record<number, WireType>> = {
  1: WireType.Varint, // ir_version
  2: WireType.LengthDelimited, // producer_name
  3: WireType.LengthDelimited,
  4: WireType.LengthDelimited,
  5: WireType.Varint, // model_version
  6: WireType.LengthDelimited,
  7: WireType.LengthDelimited, // graph
  8: WireType.LengthDelimited, // opset_import
  14: WireType.LengthDelimited,
  20: WireType.LengthDelimited,
  25: WireType.LengthDelimited,
  26: WireType.LengthDelimited,
}

/** Whether a file with these first bytes may be a model: nobody has to read gigabytes of something else to learn that. */
export function startsLikeModel(bytes: Uint8Array): boolean {
  try {
    const [number, wire] = new BinaryReader(bytes).tag()
    return modelFields[number] === wire
  } catch {
    return false
  }
}

/** Whether the outermost fields are those of a model: all of them, up to one that goes beyond the end, or not at all. */
function topLevel(bytes: Uint8Array): 'whole' | 'cut' | 'foreign' {
  const reader = new BinaryReader(bytes)
  let fields = 0
  while (reader.pos < bytes.length) {
    try {
      const [number, wire] = reader.tag()
      if (modelFields[number] !== wire) return 'foreign'
      if (wire === WireType.Varint) {
        reader.skip(wire, number)
      } else {
        const end = reader.uint32() + reader.pos
        if (end > bytes.length) return fields > 0 ? 'cut' : 'foreign'
        reader.pos = end
      }
    } catch {
      return fields > 0 ? 'cut' : 'foreign'
    }
    fields += 1
  }
  return fields > 0 ? 'whole' : 'foreign'
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false
  return true
}
