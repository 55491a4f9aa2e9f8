import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'

/** A file of `data/`, which is compressed there. */
export function readData(name: string): Buffer {
  return brotliDecompressSync(readFileSync(new URL(`../data/${name}.br`, import.meta.url)))
}
