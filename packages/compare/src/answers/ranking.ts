import { TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { candidatesOf, type Ranking } from '@tp/data/inputs'
import type { Figure } from '@tp/metrics'
import { divergences, ndcg, rankCorrelation, rankedGains, rankingOf, scoresOf, sigmoid } from '@tp/metrics'
import type { Outcome } from './outcome.ts'
import { type EvaluateOptions, runExamples } from './run-examples.ts'

/** How many ranks are looked at. */
export const DEPTH = 10

/** The scores of a model with one logit, by example in the data set's order. */
export interface RankingEvaluation extends Outcome<'ranking'> {
  /** Logits, before any sigmoid. */
  readonly scores: readonly number[]
}

/**
 * Scores all examples with a model of one logit. `figures.ndcg` is the nDCG@10 of each query that has a relevant document, in the order of
 * {@link judgedQueries}; absent where nobody has judged.
 * @throws TpError TP_OUTPUT for a model without one logit an example, or for a score that is not a number; TP_TOKENIZER, TP_ABORTED
 */
export async function rank(
  session: Session,
  inputs: ModelInputs,
  options: EvaluateOptions = {},
): Promise<RankingEvaluation> {
  const scores = new Array<number>(inputs.targets.length)
  const run = await runExamples(session, inputs, options, ({ outputs, positions }) => {
    const batch = scoresOf(outputs, positions.length, inputs.answerForm)
    for (const [row, position] of positions.entries()) {
      const score = batch[row] as number
      // It would tie with all others, and ties keep the order of the first stage.
      if (Number.isNaN(score))
        throw new TpError('TP_OUTPUT', 'compare', `the score of example ${position} is not a number`)
      scores[position] = score
    }
  })
  const figure = ndcgFigure(scores, rankingIn(inputs))
  return { task: 'ranking', figures: figure === undefined ? {} : { ndcg: figure }, scores, ...run }
}

/** The nDCG@10 by query, of those that have a relevant document; undefined if there is none. */
export function ndcgFigure(scores: readonly number[], ranking: Ranking): Figure | undefined {
  const { relevance } = ranking
  const queries = judgedQueries(ranking)
  if (relevance === undefined || queries.length === 0) return undefined
  const got = queries.map(({ candidates, judged }) => {
    const of = (all: readonly number[]): number[] => candidates.map((position) => all[position] as number)
    return ndcg(rankedGains(of(scores), of(relevance)), judged, DEPTH)
  })
  return { got, share: true, rare: SWAP }
}

/** nDCG that a query loses where its only relevant document changes places with the one after it, at the top. */
const SWAP = 1 - 1 / Math.log2(3)

/** Queries with a relevant document, and their candidates. */
function judgedQueries(
  ranking: Ranking,
): { readonly candidates: readonly number[]; readonly judged: readonly number[] }[] {
  const { relevance = [], judged = [] } = ranking
  return [...candidatesOf(ranking)].flatMap(([query, candidates]) => {
    const known = judged[query] ?? candidates.map((position) => relevance[position] as number)
    return known.some((gain) => gain > 0) ? { candidates, judged: known } : []
  })
}

/** How near scores are to those of the dense model. */
export interface RankingNearness {
  /** Spearman's, of the scores of a query's candidates with the dense ones, by query with three or more. */
  readonly rankCorrelation: Figure
  /** Share of the dense model's first ten that are still among the first ten, by query with more than ten candidates. */
  readonly top: Figure
  /** |σ(z) − σ(z′)|, the change of the score where it is read as a probability, by example. */
  readonly change: Figure
}

/** @throws TpError TP_OPTION if the two are not of the same examples */
export function compareRankings(
  pruned: Pick<RankingEvaluation, 'scores'>,
  dense: Pick<RankingEvaluation, 'scores'>,
  ranking: Ranking,
): RankingNearness {
  const [own, reference] = [pruned.scores, dense.scores]
  if (own.length !== reference.length || own.length !== ranking.queries.length) {
    const counts = `${own.length} and ${reference.length}`
    throw new TpError('TP_OPTION', 'compare', `scores of ${counts} examples cannot be compared; evaluate the same`)
  }
  const queries = [...candidatesOf(ranking).values()]
  const of = (scores: readonly number[], candidates: readonly number[]): number[] =>
    candidates.map((position) => scores[position] as number)
  const first = (scores: readonly number[]): number[] => rankingOf(scores).slice(0, DEPTH)
  return {
    rankCorrelation: {
      got: queries
        .filter(({ length }) => length > 2)
        // If all candidates have the same score, there is no order to compare.
        .map((candidates) => rankCorrelation(of(reference, candidates), of(own, candidates)) ?? 0),
    },
    top: {
      got: queries
        .filter(({ length }) => length > DEPTH)
        .map((candidates) => {
          const kept = new Set(first(of(own, candidates)))
          return first(of(reference, candidates)).filter((i) => kept.has(i)).length / DEPTH
        }),
      share: true,
    },
    change: { got: reference.map((score, i) => Math.abs(sigmoid(score) - sigmoid(own[i] as number))) },
  }
}

/**
 * How far other scores are from a model's, by query: the Kullback-Leibler divergence of their softmax over the candidates (ListNet; Cao et
 * al., ICML 2007), in nats. A constant that is added to all scores of a query changes no ranking, and does not count.
 */
export function rankingDivergences(dense: readonly number[], pruned: readonly number[], ranking: Ranking): number[] {
  return [...candidatesOf(ranking).values()]
    .filter(({ length }) => length > 1)
    .flatMap((candidates) => {
      const of = (scores: readonly number[]): Float32Array =>
        Float32Array.from(candidates, (position) => scores[position] as number)
      return divergences({ logits: of(dense), classes: candidates.length }, { logits: of(pruned) })
    })
}

/**
 * The ranking of data that has one; of other data all examples are candidates of one query, and their class is their relevance
 * where each has one.
 */
export function rankingIn({ ranking, targets }: Pick<ModelInputs, 'ranking' | 'targets'>): Ranking {
  if (ranking !== undefined) return ranking
  return { queries: targets.map(() => 0), ...(targets.every((target) => target >= 0) && { relevance: targets }) }
}

/**
 * The same ranking as judged by a model: a document is as relevant as the model's score says, σ(z). The loss of another ranking
 * is then 0 if it is in the model's own order, and needs no labels.
 */
export function asScored(ranking: Ranking, scores: readonly number[]): Ranking {
  return { queries: ranking.queries, relevance: scores.map(sigmoid) }
}
