import type { ModelInputs } from '@tp/data/inputs'

/**
 * Batches of examples whose lengths are spread as those of all are: the middle of each of `count` equal parts, in order
 * of length.
 * @returns positions of the examples of each batch
 */
export function spreadByLength({ lengths, targets }: ModelInputs, count: number, batchSize: number): number[][] {
  const order = targets.map((_, i) => i)
  if (lengths !== undefined) order.sort((a, b) => (lengths[a] as number) - (lengths[b] as number))
  const parts = Math.min(count, Math.floor(order.length / batchSize))
  return Array.from({ length: parts }, (_, part) => {
    const middle = Math.floor(((part + 0.5) * (order.length - batchSize)) / parts)
    return order.slice(middle, middle + batchSize)
  })
}
