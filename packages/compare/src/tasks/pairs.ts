import type { ScoredPairs } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import { dot, pairedBootstrap, rankCorrelationAt } from '@tp/metrics'
import { type Embeddings, embed } from '../answers/embeddings.ts'
import { followsByChance } from './by-chance.ts'
import type { Comparer } from './comparer.ts'
import { cosineNearness } from './embeddings.ts'
import { areSame, FEWEST_TO_BE_SAFE, type Safety, safetyOf } from './safety.ts'

/** Points of Spearman's correlation that a pruning may lose and be called safe. */
const TOLERANCE = 0.5

const SPEARMAN = 'Spearman'
const LOSS = 'loss in points'

const verdicts: Readonly<Record<Safety, string>> = {
  safe: `safe: loses ${TOLERANCE} points at most`,
  unsafe: `not safe: loses more than ${TOLERANCE} points`,
  'not shown': `not shown to be safe: may lose more than ${TOLERANCE} points`,
}

/** How well the cosines of pairs of texts follow what people say of them: Spearman's rank correlation, as the STS benchmark has it. */
export function pairComparer(inputs: ModelInputs, { scores }: ScoredPairs): Comparer<Embeddings> {
  const count = scores.length
  const cosines = ({ vectors }: Embeddings): number[] =>
    scores.map((_, i) => dot(vectors[i] as Float64Array, vectors[count + i] as Float64Array))
  const correlationOf = (values: readonly number[]): ((pairs: Int32Array) => number) => {
    const correlation = rankCorrelationAt(values, scores)
    return (pairs) => 100 * (correlation(pairs) ?? 0)
  }
  return {
    run: (session, options) => embed(session, inputs, options),
    dense(dense) {
      const spearman = pairedBootstrap(count, correlationOf(cosines(dense)))
      return { cells: { [SPEARMAN]: { interval: spearman }, [LOSS]: undefined }, content: { spearman } }
    },
    pruned(embeddings, dense) {
      const before = correlationOf(cosines(dense))
      const all = embeddings.map((each) => correlationOf(cosines(each)))
      const mean = (pairs: Int32Array): number =>
        all.reduce((sum, correlation) => sum + correlation(pairs), 0) / all.length
      const spearman = pairedBootstrap(count, mean)
      const loss = pairedBootstrap(count, (pairs) => before(pairs) - mean(pairs))
      const same = embeddings.every(({ vectors }) => areSame(vectors, dense.vectors))
      const safety = safetyOf(loss, TOLERANCE, { count, same })
      const unshown = same ? undefined : followsByChance(cosines(dense), scores)
      const isOfFew = count < FEWEST_TO_BE_SAFE && safety === 'not shown'
      return {
        cells: { [SPEARMAN]: { interval: spearman }, [LOSS]: { points: loss } },
        content: { spearman, loss, safety, tolerance: TOLERANCE },
        loss: { unit: "points of Spearman's correlation", interval: loss, same, drawn: count, unshown },
        verdict:
          unshown !== undefined
            ? `not shown to be safe: the dense model ${unshown}`
            : `${verdicts[safety]}${isOfFew ? ` (by ${count} pairs; it takes ${FEWEST_TO_BE_SAFE})` : ''}`,
      }
    },
    nearness: cosineNearness,
  }
}
