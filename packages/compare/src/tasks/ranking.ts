import { TpError } from '@tp/core'
import type { ModelInputs, Ranking } from '@tp/data/inputs'
import { type Figure, figureInterval, figureLoss, type Interval, meanFigure, scaledInterval } from '@tp/metrics'
import {
  asScored,
  compareRankings,
  ndcgFigure,
  type RankingEvaluation,
  type RankingNearness,
  rank,
  rankingIn,
} from '../answers/ranking.ts'
import type { ComparedAnswers, ComparedLoss, Comparer, TableCell } from './comparer.ts'
import { areSameLogits } from './safety.ts'

const nearness: Readonly<
  Record<keyof RankingNearness, readonly [heading: string, cell: (value: number) => TableCell]>
> = {
  rankCorrelation: ['rank correlation', (value) => ({ number: value, digits: 3 })],
  top: ['top 10 kept', (share) => ({ percent: 100 * share })],
  change: ['change of score', (value) => ({ number: value, digits: 3 })],
}
const names = Object.keys(nearness) as (keyof RankingNearness)[]

const NDCG = 'nDCG@10'
const LOSS = 'loss in points'

/** The loss of a search, where documents were judged, and how near the order of the candidates is to that of the dense model. */
export function rankingComparer(inputs: ModelInputs): Comparer<RankingEvaluation> {
  const ranking = rankingIn(inputs)
  return {
    run: (session, options) => rank(session, inputs, options),
    dense: ({ figures }) => ({
      cells: {
        ...(figures.ndcg && { [NDCG]: { interval: inPercent(figures.ndcg) }, [LOSS]: undefined }),
        ...Object.fromEntries(names.map((name) => [nearness[name][0], undefined])),
      },
      content: {
        ...(figures.ndcg && { ndcg: inPercent(figures.ndcg), loss: { estimate: 0, low: 0, high: 0 } }),
        ...Object.fromEntries(names.map((name) => [name, { estimate: name === 'change' ? 0 : 1 }])),
      },
    }),
    pruned(outcomes, dense) {
      const near = outcomes.map((own) => compareRankings(own, dense, ranking))
      const figureOf = (name: keyof RankingNearness): Figure => meanFigure(near.map((own) => own[name]))
      // No query has as many candidates as a figure needs where there are none of it.
      const intervals = names.flatMap((name) => {
        const figure = figureOf(name)
        return figure.got.length === 0 ? [] : [[name, figureInterval(figure)] as const]
      })
      const own = intervals.map(([name, { estimate }]) => [nearness[name][0], nearness[name][1](estimate)])
      const judged = judgedAnswers(outcomes, dense)
      const loss = judged?.loss ?? lossByDense(outcomes, dense, ranking)
      return {
        ...(loss && { loss }),
        cells: { ...judged?.cells, ...Object.fromEntries(own) },
        content: { ...judged?.content, ...Object.fromEntries(intervals) },
        paired: judged?.paired ?? { name: 'change of score', figure: figureOf('change'), correct: undefined },
      }
    },
    nearness(outcome, dense) {
      const { rankCorrelation, change } = compareRankings(outcome, dense, ranking)
      if (rankCorrelation.got.length === 0)
        throw new TpError('TP_DATA', inputs.source, 'no query has three candidates, so no order can be compared')
      return { similarity: figureInterval(rankCorrelation).estimate, divergence: figureInterval(change).estimate }
    },
  }
}

/** By the judgments, if there are any. */
function judgedAnswers(outcomes: readonly RankingEvaluation[], dense: RankingEvaluation): ComparedAnswers | undefined {
  const { ndcg } = dense.figures
  if (ndcg === undefined) return undefined
  const figure = meanFigure(outcomes.map(({ figures }) => figures.ndcg as Figure))
  const loss = scaledInterval(figureLoss(ndcg, figure), 100)
  return {
    cells: { [NDCG]: { interval: inPercent(figure) }, [LOSS]: { points: loss } },
    content: { ndcg: inPercent(figure), loss },
    paired: { name: NDCG, figure, correct: undefined },
    loss: { unit: 'points of nDCG@10', interval: loss, same: areAllSame(outcomes, dense) },
  }
}

/** Where nobody has judged: the order by the dense model's own scores, as if they were the relevance of the documents. */
function lossByDense(
  outcomes: readonly RankingEvaluation[],
  dense: RankingEvaluation,
  ranking: Ranking,
): ComparedLoss | undefined {
  const scored = asScored(ranking, dense.scores)
  const before = ndcgFigure(dense.scores, scored)
  const after = outcomes.flatMap(({ scores }) => ndcgFigure(scores, scored) ?? [])
  if (before === undefined || after.length === 0) return undefined
  return {
    unit: "points of nDCG@10 by the dense model's scores",
    interval: scaledInterval(figureLoss(before, meanFigure(after)), 100),
    same: areAllSame(outcomes, dense),
  }
}

function areAllSame(outcomes: readonly RankingEvaluation[], dense: RankingEvaluation): boolean {
  return outcomes.every(({ scores }) => areSameLogits(scores, dense.scores))
}

function inPercent(figure: Figure): Interval {
  return scaledInterval(figureInterval(figure), 100)
}
