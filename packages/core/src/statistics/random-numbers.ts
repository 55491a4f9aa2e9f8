/** Uniform numbers in [0, 1) that are the same for the same seed on every machine. */
export function randomNumbers(seed: number): () => number {
  // mulberry32, a 32-bit generator by Tommy Ettinger (public domain)
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Normally distributed numbers (mean 0, deviation 1) that are the same for the same seed on every machine. */
export function normals(seed: number): () => number {
  const uniform = randomNumbers(seed)
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}
