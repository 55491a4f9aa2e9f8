import { deflateSync } from 'node:zlib'

/** A text that deflate makes more than so many times shorter repeats itself, as Whisper's own program counts. */
const REPEATS = 2.4

/** Whether a text repeats itself: a loop. */
export function repeats(text: string): boolean {
  const bytes = Buffer.from(text)
  return bytes.length / deflateSync(bytes).length > REPEATS
}
