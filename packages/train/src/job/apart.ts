import { TpError } from '@tp/core'

/** Advice for examples that weights are learned from and chosen by at once. */
export const APART =
  'weights that are chosen by what they have learned are those that know it by heart: give other examples'

/** How many of the selection examples are among the training examples. */
export interface Overlap {
  readonly shared: number
  readonly count: number
  /** Where the selection examples are from. */
  readonly selection: string
  readonly learned: string
}

/**
 * Checks that most of the selection examples are not among the training examples.
 * @returns a sentence for the user, where some are
 * @throws TpError TP_DATA where most are
 */
export function requireApart({ shared, count, selection, learned }: Overlap): string | undefined {
  if (shared === 0) return undefined
  const seen = `${shared} of ${count} examples of ${selection} are among those of ${learned}`
  if (2 * shared > count) throw new TpError('TP_DATA', 'train', `${seen}; ${APART}`)
  return `${seen}, which are learned from`
}
