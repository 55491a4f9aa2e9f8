export interface BatchOptions {
  /** Most tokens of a batch; one text that is longer is a batch of its own. */
  readonly tokens: number
  /** Whether padding counts, because the model computes it. */
  readonly padded: boolean
  /** The model's fixed number of examples. */
  readonly size: number | undefined
  /** Whether texts of different lengths may be in one batch. */
  readonly mixed: boolean
}

/**
 * Divides texts into batches of similar length by the number of their tokens, the longest first. The same lengths give the same
 * batches.
 * @returns positions of the texts of each batch
 */
export function tokenBatches(lengths: readonly number[], { tokens, padded, size, mixed }: BatchOptions): number[][] {
  const order = [...lengths.keys()].sort((a, b) => (lengths[b] as number) - (lengths[a] as number) || a - b)
  const batches: number[][] = []
  let [batch, longest, sum]: [number[], number, number] = [[], 0, 0]
  for (const position of order) {
    const length = lengths[position] as number
    const after = padded ? longest * (batch.length + 1) : sum + length
    const isFull = size === undefined ? after > tokens || (!mixed && length !== longest) : batch.length === size
    if (batch.length === 0 || isFull) {
      ;[batch, longest, sum] = [[], length, 0]
      batches.push(batch)
    }
    batch.push(position)
    sum += length
  }
  return batches
}
