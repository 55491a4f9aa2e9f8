/**
 * Divides examples into batches of similar length, so that little is padded: the longest first, so that a lack of memory
 * shows at once. One by one, or without lengths, the order is kept.
 * @returns positions of the examples of each batch
 */
export function batches(count: number, size: number, lengths?: readonly number[]): number[][] {
  const order = Array.from({ length: count }, (_, i) => i)
  if (lengths !== undefined && size > 1) order.sort((a, b) => (lengths[b] as number) - (lengths[a] as number) || a - b)
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => order.slice(i * size, (i + 1) * size))
}
