import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** Sizes of the file header of 64-bit ELF, and where it keeps the tables of what the file holds. */
const HEADER = 64
const CLASS_64 = 2
const LITTLE = 1
const SEGMENT = 56

/**
 * Makes sure that a library is not cut short. Linux maps what the head of a file names, and the process dies of SIGBUS where that is
 * beyond the end; other systems refuse such a library themselves.
 * @throws Error for a library that is cut short
 */
export function requireWholeLibrary(path: string): void {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const head = Buffer.alloc(HEADER)
    const isElf = readSync(file, head, 0, HEADER, 0) === HEADER && head.readUInt32BE(0) === 0x7f454c46
    if (!isElf || head[4] !== CLASS_64 || head[5] !== LITTLE) return
    const segments = head.readUInt16LE(56)
    const table = Buffer.alloc(segments * SEGMENT)
    const at = Number(head.readBigUInt64LE(32))
    const sectionsEnd = Number(head.readBigUInt64LE(40)) + head.readUInt16LE(58) * head.readUInt16LE(60)
    readSync(file, table, 0, table.length, at)
    const ends = Array.from({ length: segments }, (_, i) => {
      const [offset, length] = [8, 32].map((field) => Number(table.readBigUInt64LE(i * SEGMENT + field)))
      return Number(offset) + Number(length)
    })
    const needed = Math.max(at + table.length, sectionsEnd, ...ends)
    if (needed > size) throw new Error(`${path} has ${size} bytes, and its head names ${needed}: it is cut short`)
  } finally {
    closeSync(file)
  }
}
