/** Numbers from a normal distribution (mean 0, deviation 1) that are the same on every machine. */
export function seeded(seed: number): () => number {
  // mulberry32, a 32-bit generator by Tommy Ettinger (public domain)
  let state = (seed * 2654435761) >>> 0
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}
