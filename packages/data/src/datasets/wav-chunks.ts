/** Written by programs that do not know the length in advance, and where `ds64` says it. */
export const UNKNOWN_SIZE = 0xffffffff

/** The format tag of a header that has the tag of its samples in its sub-format. */
const EXTENSIBLE = 0xfffe

/** Container, its size and its format. */
const HEADER = 12
/** Name and size of a chunk. */
const HEAD = 8
/** The tag in the sub-format of an extensible header, from the beginning of its chunk. */
const SUB_FORMAT = HEAD + 24

/**
 * The same WAV file with the chunks that its samples need, alone and in the form that `wavefile` reads: that library refuses a second list,
 * and takes the byte that pads an odd number of bytes for a sample, extensible floats for integers, and all that follows the samples of a long
 * file for samples.
 */
export function withoutOtherChunks(bytes: Uint8Array): Uint8Array {
  const container = nameAt(bytes, 0)
  if (bytes.length < HEADER || !['RIFF', 'RIFX', 'RF64'].includes(container)) return bytes
  const isLittle = container !== 'RIFX'
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const chunks = [new Uint8Array(bytes.subarray(0, HEADER))]
  if (container === 'RF64') chunks[0]?.set(Buffer.from('RIFF'))
  let longSize = UNKNOWN_SIZE
  for (let at = HEADER; at + HEAD <= bytes.length; ) {
    const name = nameAt(bytes, at)
    const written = view.getUint32(at + 4, isLittle)
    const size = name === 'data' && written === UNKNOWN_SIZE ? longSize : written
    if (name === 'ds64') longSize = Number(view.getBigUint64(at + HEAD + 8, isLittle))
    if (name === 'fmt ') chunks.push(plainFormat(new Uint8Array(bytes.subarray(at, at + HEAD + size)), isLittle))
    if (name === 'data') {
      const chunk = new Uint8Array(bytes.subarray(at, at + HEAD + size))
      new DataView(chunk.buffer).setUint32(4, size, isLittle)
      chunks.push(chunk)
      break
    }
    at += HEAD + size + (size % 2)
  }
  return Buffer.concat(chunks)
}

/** The chunk of a format with the tag of its sub-format. */
function plainFormat(chunk: Uint8Array<ArrayBuffer>, isLittle: boolean): Uint8Array<ArrayBuffer> {
  const view = new DataView(chunk.buffer)
  const isExtensible = chunk.length >= SUB_FORMAT + 4 && view.getUint16(HEAD, isLittle) === EXTENSIBLE
  const tag = isExtensible ? view.getUint32(SUB_FORMAT, isLittle) : EXTENSIBLE
  if (tag < EXTENSIBLE) view.setUint16(HEAD, tag, isLittle)
  return chunk
}

function nameAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4))
}
