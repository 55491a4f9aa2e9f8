import { type NamedTensors, TpError } from '@tp/core'

/** Tokens that are left, as a fraction of each example's own tokens, averaged over the examples. */
export interface Kept {
  /** By block: real tokens that enter its FFN over those that enter the model. */
  readonly blocks: readonly number[]
  /** Mean over the blocks. */
  readonly mean: number
}

const VALID = /^tp\.trace\.(\d+)\.valid$/

/** Tokens left behind each pruned block of each example of a batch: block → count by row. Empty without traces. */
export function tracedCounts(outputs: NamedTensors): Map<number, number[]> {
  const counts = new Map<number, number[]>()
  for (const [name, { dims, data }] of Object.entries(outputs)) {
    const block = VALID.exec(name)?.[1]
    if (block === undefined) continue
    const [rows = 0, width = 0] = dims
    const valid = data as Uint8Array
    const count = (row: number): number => {
      let sum = 0
      for (let i = row * width; i < (row + 1) * width; i++) sum += valid[i] as number
      return sum
    }
    counts.set(
      Number(block),
      Array.from({ length: rows }, (_, row) => count(row)),
    )
  }
  return counts
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
