/**
 * Divides examples into batches of similar length, so that little is padded: the longest first, so that a lack of memory
 * shows at once. One by one, or without lengths, the order is kept.
 * @param tokens of a batch at most, padding included; one example always goes
 * @param padded false: all examples of a batch have one length
 * @returns positions of the examples of each batch
 */
export function batches(
  count: number,
  size: number,
  lengths?: readonly number[],
  tokens?: number,
  padded = true,
): number[][] {
  const order = Array.from({ length: count }, (_, i) => i)
  if (lengths !== undefined && size > 1) order.sort((a, b) => (lengths[b] as number) - (lengths[a] as number) || a - b)
  const made: number[][] = []
  for (let start = 0; start < count; ) {
    const longest = lengths?.[order[start] as number] ?? 0
    const most =
      tokens === undefined || longest === 0 ? size : Math.max(1, Math.min(size, Math.floor(tokens / longest)))
    const taken = order.slice(start, start + most)
    const shorter = padded
      ? -1
      : taken.findIndex((position) => lengths?.[position] !== lengths?.[order[start] as number])
    const own = shorter < 0 ? taken : taken.slice(0, shorter)
    made.push(own)
    start += own.length
  }
  return made
}
