import type { ModelInputs } from '@tp/data/inputs'
import { figureInterval, mean, pairedBootstrap, rankCorrelation, rankCorrelationAt, sampleDeviation } from '@tp/metrics'
import { type RankingEvaluation, rank } from '../answers/ranking.ts'
import type { Comparer } from './comparer.ts'
import { adviceOn, oneEstimate } from './one-answer.ts'
import { areSameLogits } from './safety.ts'

const SPEARMAN = 'Spearman'
const LOSS = 'loss in points'
const CHANGE = 'change in deviations'

/**
 * Numbers that a model estimates: how well their order follows that of people, by Spearman's correlation, where people have said what is right, else how
 * well it follows the dense model's own; and how far they move, in standard deviations of the dense model's numbers.
 */
export function regressionComparer(inputs: ModelInputs): Comparer<RankingEvaluation> {
  const judged = inputs.estimates?.scores
  const correlationOf = (values: readonly number[], others: readonly number[]): ((examples: Int32Array) => number) => {
    const correlation = rankCorrelationAt(values, others)
    return (examples) => 100 * (correlation(examples) ?? 0)
  }
  return {
    run: (session, options) => rank(session, inputs, options),
    dense({ scores }) {
      const spearman = judged && pairedBootstrap(scores.length, correlationOf(scores, judged))
      return {
        verdict: adviceOn(oneEstimate(scores)),
        cells: { ...(spearman && { [SPEARMAN]: { interval: spearman } }), [LOSS]: undefined, [CHANGE]: undefined },
        content: { ...(spearman && { spearman }), loss: { estimate: 0, low: 0, high: 0 }, change: 0 },
      }
    },
    pruned(outcomes, dense) {
      const count = dense.scores.length
      const right = judged ?? dense.scores
      const before = correlationOf(dense.scores, right)
      const all = outcomes.map(({ scores }) => correlationOf(scores, right))
      const now = (examples: Int32Array): number => mean(all.map((correlation) => correlation(examples)))
      const spearman = judged && pairedBootstrap(count, now)
      const loss = pairedBootstrap(count, (examples) => before(examples) - now(examples))
      const change = mean(outcomes.map((own) => mean(changes(own, dense))))
      return {
        cells: {
          ...(spearman && { [SPEARMAN]: { interval: spearman } }),
          [LOSS]: { points: loss },
          [CHANGE]: { number: change, digits: 3 },
        },
        content: { ...(spearman && { spearman }), loss, change },
        loss: {
          unit: `points of Spearman's correlation${judged ? '' : " with the dense model's numbers"}`,
          interval: loss,
          same: outcomes.every(({ scores }) => areSameLogits(scores, dense.scores)),
          unshown: adviceOn(oneEstimate(dense.scores)),
          drawn: count,
        },
      }
    },
    nearness: (outcome, dense) => ({
      similarity: rankCorrelation(outcome.scores, dense.scores) ?? 0,
      divergence: figureInterval({ got: changes(outcome, dense) }).estimate,
    }),
  }
}

/** |z − z′| by example, in standard deviations of the dense model's numbers. */
function changes(outcome: RankingEvaluation, dense: RankingEvaluation): number[] {
  const deviation = sampleDeviation(dense.scores) || 1
  return dense.scores.map((score, i) => Math.abs(score - (outcome.scores[i] as number)) / deviation)
}
