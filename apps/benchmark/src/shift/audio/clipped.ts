/** A sample as a sound file can hold it. */
export function clipped(sample: number): number {
  return Math.min(1, Math.max(-1, sample))
}
