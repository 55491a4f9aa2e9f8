/** How far apart the two lists are where they are farthest. */
export function farthest(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length || a.length === 0) return Number.NaN
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] as number))), 0)
}
