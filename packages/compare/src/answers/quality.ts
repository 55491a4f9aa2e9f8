import type { Session } from '@tp/core/runtime'
import { competes, type ModelInputs } from '@tp/data/inputs'
import { dot, figureInterval, rankCorrelation } from '@tp/metrics'
import { embed } from './embeddings.ts'
import { evaluate } from './evaluate.ts'
import { rank } from './ranking.ts'
import type { EvaluateOptions } from './run-examples.ts'

/**
 * How good a model is, as one number in percent: its accuracy, of candidates that are to be ranked the mean
 * nDCG@10, of those without rivals for their query Spearman's correlation with their relevance, of texts with the dense model's vectors
 * the mean cosine to these.
 * @throws as `evaluate`, `rank` and `embed`; NaN for a ranking of which nothing is judged
 */
export async function qualityOf(session: Session, inputs: ModelInputs, options: EvaluateOptions = {}): Promise<number> {
  const dense = inputs.vectors
  if (dense !== undefined) {
    const { vectors } = await embed(session, inputs, options)
    return (100 * vectors.reduce((sum, own, i) => sum + dot(own, dense[i] as Float64Array), 0)) / vectors.length
  }
  const { ranking } = inputs
  if (ranking === undefined) return (await evaluate(session, inputs, options)).accuracy.estimate
  const {
    scores,
    figures: { ndcg },
  } = await rank(session, inputs, options)
  // Alone, a candidate is always the first.
  if (!competes(ranking)) return 100 * ((ranking.relevance && rankCorrelation(scores, ranking.relevance)) ?? Number.NaN)
  return ndcg === undefined ? Number.NaN : 100 * figureInterval(ndcg).estimate
}
