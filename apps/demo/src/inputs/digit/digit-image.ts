import type { InputImage } from '../content.ts'

const SIDE = 28

/** A digit of the built-in set: 28 × 28 bytes of brightness as base64. */
export function digitImage(base64: string): InputImage {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  return { channels: 1, height: SIDE, width: SIDE, pixels: Float32Array.from(bytes, (byte) => byte / 255) }
}
