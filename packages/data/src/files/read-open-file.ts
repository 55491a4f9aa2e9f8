import type { FileHandle } from 'node:fs/promises'

/** Bytes that Node reads at once, and where protobuf lengths end. */
export const LARGEST: number = 2 ** 31 - 1

/** A file of this size is read whole at once. */
const SMALL = 2 ** 20
const HEAD = 64

/**
 * So many bytes of an open file, and no more where it has grown meanwhile.
 * @param begins looks at the first bytes of a large file before the others are read
 * @throws Error if it has become shorter
 */
export async function readOpenFile(
  file: FileHandle,
  size: number,
  begins?: (head: Uint8Array) => void,
): Promise<Uint8Array> {
  if (begins !== undefined && size > SMALL) {
    const head = new Uint8Array(HEAD)
    await file.read(head, 0, HEAD, 0)
    begins(head)
  }
  const bytes = new Uint8Array(size)
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, at)
    if (bytesRead === 0) throw new Error('it became shorter while it was read')
    at += bytesRead
  }
  return bytes
}
