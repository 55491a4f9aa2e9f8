import type { Digit } from '@tp/models'

/** http://yann.lecun.com/exdb/mnist: two zero bytes, type 8 (unsigned byte), number of axes, sizes, bytes. */
export function idx(dims: readonly number[], bytes: readonly number[]): Uint8Array {
  const header = Buffer.alloc(4 + 4 * dims.length)
  header.set([0, 0, 8, dims.length])
  for (const [axis, size] of dims.entries()) header.writeUInt32BE(size, 4 + 4 * axis)
  return Buffer.concat([header, Uint8Array.from(bytes)])
}

export function pixelsOf({ pixels }: Digit): number[] {
  return Array.from(pixels, (brightness) => Math.round(255 * brightness))
}
