import { expect } from 'vitest'

/**
 * Arrays with the same bytes are equal. Vitest compares typed arrays element by element with descriptors of each, which takes
 * seconds for a model; where bytes differ, that is what finds out how.
 */
expect.addEqualityTesters([
  /** @param {unknown} a @param {unknown} b @returns {boolean | undefined} undefined: not known */
  (a, b) => {
    if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b)) return undefined
    if (a.constructor !== b.constructor || a.byteLength !== b.byteLength) return undefined
    return bytesOf(a).equals(bytesOf(b)) || undefined
  },
])

/** @param {ArrayBufferView} view */
function bytesOf({ buffer, byteOffset, byteLength }) {
  return Buffer.from(/** @type {ArrayBuffer} */ (buffer), byteOffset, byteLength)
}
