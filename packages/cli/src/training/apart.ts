import { TpError } from '@tp/core'
import type { Context } from '../command/context.ts'

export const APART =
  'weights that are chosen by what they have learned are those that know it by heart: give other examples'

/** Examples of a data set, and where they are from. */
export interface Counted {
  readonly source: string
  readonly count: number
}

/**
 * Checks that most of the selection examples are not among the training examples.
 * @param shared how many are
 * @throws TpError TP_DATA
 */
export function checkApart(
  shared: number,
  learned: Pick<Counted, 'source'>,
  chosenBy: Counted,
  progress: Context['progress'],
): void {
  if (shared === 0) return
  const { count, source } = chosenBy
  const seen = `${shared} of ${count} examples of ${source} are among those of ${learned.source}`
  if (2 * shared > count) throw new TpError('TP_DATA', 'tp', `${seen}; ${APART}`)
  progress.note(`${seen}, which are learned from`)
}
