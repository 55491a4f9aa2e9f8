import type { NamedTensors } from '@tp/core/runtime'
import { names } from './names.ts'

/** The share of the FLOPs that the examples of a batch aim at together. */
export interface Aim {
  readonly target: number
  /** Weight of the squared distance from it. */
  readonly weight: number
  /** Weight of that term in a stage's loss. */
  readonly term: number
}

/** The sums of the soft forms over some examples. */
export interface Counts {
  /** Kept tokens and all, over all layers. */
  kept: number
  tokens: number
  /** Multiply-adds of the layers, and of the dense ones. */
  flops: number
  dense: number
}

/** Adds what a graph counts. */
export function addCounts(counts: Counts, outputs: NamedTensors): void {
  const sumOf = (name: string): number => {
    let sum = 0
    for (const value of (outputs[name]?.data ?? []) as Float32Array) sum += value
    return sum
  }
  counts.kept += sumOf(names.kept)
  counts.tokens += sumOf(names.tokens)
  counts.flops += sumOf(names.flops)
  counts.dense += sumOf(names.denseFlops)
}

export function noCounts(): Counts {
  return { kept: 0, tokens: 0, flops: 0, dense: 0 }
}

/**
 * The facts about a batch that its parts need. With the share s = Σ own / Σ dense of all B rows, the target t and the weight w,
 * the gradient of w (s − t)² is that of the mean of price · own, with price = 2w (s − t) / mean(dense).
 * @param rows B, copies included
 * @returns also the excess of the loss over the parts' own losses, in which the mean of price · own takes the place of w (s − t)²
 */
export function priceFor(
  { target, weight, term }: Aim,
  { flops, dense }: Pick<Counts, 'flops' | 'dense'>,
  rows: number,
): { readonly price: number; readonly more: number } {
  const share = flops / dense
  const over = share - target
  const slope = 2 * weight * over
  return { price: slope / (dense / rows), more: term * (weight * over * over - slope * share) }
}
