const largest = 2n ** 63n - 1n

/**
 * An integer held as a floating-point number, as int64. The largest int64, which means "to the end" in `Slice`, is not a
 * double: it was rounded up when read and must not wrap around.
 */
export function toInt64(value: number): bigint {
  const integer = BigInt(value)
  if (integer > largest) return largest
  return integer < -largest - 1n ? -largest - 1n : integer
}
