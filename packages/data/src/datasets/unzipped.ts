import { gunzipSync } from 'node:zlib'
import { dataError } from './table/data-error.ts'

/** The contents of a file that may be compressed by gzip. @throws TpError TP_DATA for one that is cut off, or holds more than so many bytes */
export function unzipped(path: string, bytes: Uint8Array, mostBytes: number): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return gunzipSync(bytes, { maxOutputLength: mostBytes })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw dataError(path, `holds more than ${mostBytes / 2 ** 20} MiB; give a part of it`, cause)
    }
    throw dataError(path, 'cannot be unzipped; is it cut off?', cause)
  }
}
