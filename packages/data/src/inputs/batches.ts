export interface BatchesOptions {
  /** Most examples of a batch. Default: any number. */
  readonly size?: number | undefined
  /** Tokens of each example. */
  readonly lengths?: readonly number[] | undefined
  /** Most tokens of a batch; one example always goes. Default: any number. */
  readonly tokens?: number | undefined
  /** Whether padding counts among these, because the model computes it. Default: true. */
  readonly countsPadding?: boolean | undefined
  /** Whether examples of different lengths may be in one batch, because it can be padded. Default: true. */
  readonly padded?: boolean | undefined
}

/**
 * Divides examples into batches of similar length, so that little is padded: the longest first, so that a lack of memory
 * shows at once. One by one, or without lengths, the order is kept. The same lengths give the same batches.
 * @returns positions of the examples of each batch
 */
export function batches(count: number, options: BatchesOptions): number[][] {
  const { size = Number.POSITIVE_INFINITY, lengths, tokens = Number.POSITIVE_INFINITY } = options
  const { countsPadding = true, padded = true } = options
  const lengthOf = (position: number): number => lengths?.[position] ?? 0
  const order = Array.from({ length: count }, (_, i) => i)
  if (lengths !== undefined && size > 1) order.sort((a, b) => lengthOf(b) - lengthOf(a) || a - b)
  const made: number[][] = []
  let [batch, longest, sum]: [number[], number, number] = [[], 0, 0]
  for (const position of order) {
    const length = lengthOf(position)
    const after = countsPadding ? longest * (batch.length + 1) : sum + length
    const isFull = batch.length === size || after > tokens || (!padded && length !== longest)
    if (batch.length === 0 || isFull) {
      ;[batch, longest, sum] = [[], length, 0]
      made.push(batch)
    }
    batch.push(position)
    sum += length
  }
  return made
}
