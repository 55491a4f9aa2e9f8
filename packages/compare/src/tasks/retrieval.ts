import type { SearchData } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import { bootstrapMean, type Interval, mean, scaledInterval } from '@tp/metrics'
import { type Embeddings, embed } from '../answers/embeddings.ts'
import { type Retrieval, retrieve } from '../answers/retrieval.ts'
import { findsByChance, judgmentsOfOthers } from './by-chance.ts'
import type { ComparedAnswers, Comparer } from './comparer.ts'
import { cosineNearness } from './embeddings.ts'
import { areSame, FEWEST_TO_BE_SAFE, type Safety, safetyOf } from './safety.ts'

/** The texts that the pruned model embeds, while the dense one embeds the rest. */
const sides = ['queries', 'documents', 'both'] as const
type Side = (typeof sides)[number]

/** Points of nDCG@10 that a pruning may lose and be called safe. */
const TOLERANCE = 1

const NDCG = 'nDCG@10'
const headings: Readonly<Record<Side, string>> = {
  queries: 'loss: queries',
  documents: 'documents',
  both: 'both pruned',
}

/**
 * The results of a search where queries, documents or both are embedded by the pruned model.
 * @param byToken whether each token has its vector, and they are compared by MaxSim
 */
export function retrievalComparer(inputs: ModelInputs, data: SearchData, byToken: boolean): Comparer<Embeddings> {
  const known = new WeakMap<Embeddings, Retrieval>()
  const search = (queries: Embeddings, documents: Embeddings, relevant = data.relevant): Retrieval => {
    const isKnown = queries === documents && relevant === data.relevant
    const found = isKnown ? known.get(queries) : undefined
    if (found !== undefined) return found
    const { queryCount } = data
    const last = queryCount + data.documents.length
    const [queryVectors, index] = [queries.vectors.slice(0, queryCount), documents.vectors.slice(queryCount, last)]
    const result = retrieve({ ...data, relevant }, queryVectors, index, queries.tokenWidth)
    if (isKnown) known.set(queries, result)
    return result
  }
  const doubts = new WeakMap<Embeddings, { readonly doubt: string | undefined }>()
  const doubtOf = (dense: Embeddings, { ndcg10 }: Retrieval): string | undefined => {
    const known = doubts.get(dense)
    if (known !== undefined) return known.doubt
    const doubt = findsByChance(ndcg10, search(dense, dense, judgmentsOfOthers(data)).ndcg10)
    doubts.set(dense, { doubt })
    return doubt
  }
  return {
    run: (session, options) => embed(session, inputs, { ...options, byToken }),
    dense(dense) {
      const found = search(dense, dense)
      return {
        cells: { [NDCG]: { interval: percentOf(found.ndcg10) }, ...emptyCells },
        content: metricsOf([found]),
      }
    },
    pruned(embeddings, dense) {
      const before = search(dense, dense)
      const same = embeddings.every(({ vectors }) => areSame(vectors, dense.vectors))
      const results = sides.map((side) => {
        const found = embeddings.map((own) =>
          search(side === 'documents' ? dense : own, side === 'queries' ? dense : own),
        )
        const loss = scaledInterval(bootstrapMean(lossesOf(found, before)), 100)
        return { side, found, loss, safety: safetyOf(loss, TOLERANCE, { count: before.ndcg10.length, same }) }
      })
      const unshown = same ? undefined : doubtOf(dense, before)
      return {
        ...described(results),
        ...(unshown !== undefined && { verdict: `not shown to be safe: the dense model ${unshown}` }),
        loss: {
          unit: 'points of nDCG@10',
          interval: (results.at(-1) as SideResult).loss,
          same,
          drawn: before.ndcg10.length,
          unshown,
        },
        content: {
          ...Object.fromEntries(
            results.map(({ side, found, loss, safety }) => [
              side,
              { ...metricsOf(found), loss, top10Kept: top10Kept(found, before), safety },
            ]),
          ),
          tolerance: TOLERANCE,
        },
      }
    },
    nearness: cosineNearness,
  }
}

interface SideResult {
  readonly side: Side
  readonly found: readonly Retrieval[]
  readonly loss: Interval
  readonly safety: Safety
}

const emptyCells = Object.fromEntries(sides.map((side) => [headings[side], undefined]))

function described(results: readonly SideResult[]): Omit<ComparedAnswers, 'content'> {
  const both = results.at(-1) as SideResult
  const figure = { got: meanByQuery(both.found.map(({ ndcg10 }) => ndcg10)), share: true }
  return {
    cells: {
      [NDCG]: { interval: percentOf(figure.got) },
      ...Object.fromEntries(results.map(({ side, loss }) => [headings[side], { points: loss }])),
    },
    verdict: verdictOf(results),
    paired: { name: NDCG, figure, correct: undefined },
  }
}

/** Which of the three is safe, in one line. */
function verdictOf(results: readonly SideResult[]): string {
  const said = (['safe', 'not shown', 'unsafe'] as const).flatMap((kind) => {
    const those = results.flatMap(({ side, safety }) => (safety === kind ? [side] : []))
    return those.length === 0 ? [] : [`${verdicts[kind]} ${those.join(' and ')}`]
  })
  const { length: count } = (results[0] as SideResult).found[0]?.ndcg10 ?? []
  const isOfFew = count < FEWEST_TO_BE_SAFE && results.some(({ safety }) => safety === 'not shown')
  return `${said.join('; ')}${isOfFew ? ` (by ${count} queries; it takes ${FEWEST_TO_BE_SAFE})` : ''}`
}

const verdicts: Readonly<Record<Safety, string>> = {
  safe: 'safe for',
  'not shown': 'not shown to be safe for',
  unsafe: `loses more than ${TOLERANCE} point for`,
}

function lossesOf(found: readonly Retrieval[], before: Retrieval): number[] {
  const now = meanByQuery(found.map(({ ndcg10 }) => ndcg10))
  return before.ndcg10.map((was, query) => was - (now[query] as number))
}

/** Several seeds taken together. */
function meanByQuery(runs: readonly (readonly number[])[]): number[] {
  const [first = []] = runs
  return first.map((_, query) => mean(runs.map((run) => run[query] as number)))
}

function metricsOf(found: readonly Retrieval[]): object {
  return {
    ndcg10: percentOf(meanByQuery(found.map(({ ndcg10 }) => ndcg10))),
    recall100: percentOf(meanByQuery(found.map(({ recall100 }) => recall100))),
    mrr: percentOf(meanByQuery(found.map(({ reciprocalRank }) => reciprocalRank))),
  }
}

function percentOf(values: readonly number[]): Interval {
  return scaledInterval(bootstrapMean(values), 100)
}

/** Percent of the dense model's first 10 documents that are among the first 10 still. */
function top10Kept(found: readonly Retrieval[], before: Retrieval): number {
  const shares = found.flatMap(({ top10 }) =>
    top10.map((now, query) => {
      const was = before.top10[query] ?? []
      return was.filter((document) => now.includes(document)).length / was.length
    }),
  )
  return 100 * mean(shares)
}
