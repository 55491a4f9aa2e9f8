import type { Interval } from '../intervals/interval.ts'
import { pairedBootstrap } from '../intervals/paired-bootstrap.ts'

/** Word errors by recording, and how many words each has. */
export interface WordErrors {
  readonly figures: { readonly wer: { readonly got: readonly number[]; readonly of: readonly number[] } }
}

/**
 * Word errors in percent of the words, of several seeds together, with a bootstrap interval over recordings; with `dense` those of the dense
 * model, of the same recordings, are subtracted.
 */
export function wordErrorRate(outcomes: readonly WordErrors[], dense?: WordErrors): Interval {
  const [first] = outcomes as [WordErrors]
  const { of } = first.figures.wer
  const errors = of.map(
    (_, i) =>
      outcomes.reduce((sum, { figures }) => sum + (figures.wer.got[i] as number), 0) / outcomes.length -
      (dense?.figures.wer.got[i] ?? 0),
  )
  return pairedBootstrap(of.length, (examples) => {
    let [wrong, words] = [0, 0]
    for (const example of examples) {
      wrong += errors[example] as number
      words += of[example] as number
    }
    return (100 * wrong) / words
  })
}
