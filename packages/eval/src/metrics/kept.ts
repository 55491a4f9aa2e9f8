import { TpError } from '@tp/core'

/** Tokens that are left, as a fraction of each example's own tokens, averaged over the examples. */
export interface Kept {
  /** By block: real tokens that enter its FFN over those that enter the model. */
  readonly blocks: readonly number[]
  /** Mean over the blocks. */
  readonly mean: number
}

/**
 * @param counts tokens left behind each pruned block, by example; blocks that are not named pass on what they get
 * @param lengths real tokens that enter the model, by example
 */
export function keptFractions(
  counts: ReadonlyMap<number, readonly number[]>,
  lengths: readonly number[],
  blocks: number,
): Kept {
  const beyond = [...counts.keys()].find((block) => block >= blocks)
  if (beyond !== undefined) {
    throw new TpError(
      'TP_OPTION',
      'eval',
      `the model has a trace of block ${beyond}, but is said to have ${blocks} blocks`,
    )
  }
  let left = lengths
  const fractions = Array.from({ length: blocks }, (_, block) => {
    left = counts.get(block) ?? left
    return meanOf(left.map((count, i) => count / (lengths[i] as number)))
  })
  return { blocks: fractions, mean: meanOf(fractions) }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
