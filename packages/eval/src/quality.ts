import type { Session } from '@tp/core/runtime'
import { evaluate } from './evaluate.ts'
import type { ModelInputs } from './inputs/model-inputs.ts'
import { figureInterval } from './metrics/figure.ts'
import type { EvaluateOptions } from './run-examples.ts'
import { rank } from './tasks/ranking.ts'

/**
 * How good a model is, as one number in percent: its accuracy, or of candidates that are to be ranked the mean nDCG@10.
 * @throws as `evaluate` and `rank`; NaN for a ranking of which nothing is judged
 */
export async function qualityOf(session: Session, inputs: ModelInputs, options: EvaluateOptions = {}): Promise<number> {
  if (inputs.ranking === undefined) return (await evaluate(session, inputs, options)).accuracy.estimate
  const { ndcg } = (await rank(session, inputs, options)).figures
  return ndcg === undefined ? Number.NaN : 100 * figureInterval(ndcg).estimate
}
