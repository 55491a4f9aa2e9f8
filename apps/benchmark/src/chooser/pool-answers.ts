import { asScored, embed, evaluate, ndcgFigure, rank } from '@tp/compare'
import { TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import type { TaskData } from '@tp/data'
import { candidatesOf } from '@tp/data/inputs'
import { expectedLosses, temperatureOf } from '@tp/metrics'

/** Data of a task whose choice is judged: classes, ranks or vectors. */
export type PoolData = Extract<TaskData, { readonly task: 'classification' | 'ranking' | 'embeddings' }>

/** The answers of one model to all examples of a pool: a class, a score or 1 − the cosine to the dense vector of each. */
export type PoolAnswers = readonly number[]

/** The dense model's answers, by which all others are judged. */
export interface DenseAnswers {
  answersOf(session: Session): Promise<PoolAnswers>
  /** Expected points lost by the answers to some examples, by example or, of ranks, by query. */
  losses(answers: PoolAnswers, rows: readonly number[]): number[]
}

const BATCH = 8

/** Runs the dense model on a pool. Its probabilities are calibrated by all labels of the pool. */
export async function denseAnswers(dense: Session, data: PoolData): Promise<DenseAnswers> {
  const { task, inputs } = data
  if (task === 'classification') {
    const { logits, classes } = await evaluate(dense, inputs, { batchSize: BATCH })
    const temperature = temperatureOf({ logits, classes }, inputs.targets)
    return {
      answersOf: async (session) => (await evaluate(session, inputs, { batchSize: BATCH })).predictions,
      losses(answers, rows) {
        const all = expectedLosses({ logits, classes }, answers, temperature)
        return rows.map((row) => all[row] as number)
      },
    }
  }
  if (task === 'embeddings') {
    const { vectors } = await embed(dense, inputs, { batchSize: BATCH })
    return {
      async answersOf(session) {
        const own = (await embed(session, inputs, { batchSize: BATCH })).vectors
        return own.map((vector, i) => rounded(1 - cosine(vector, vectors[i] as Float64Array)))
      },
      losses: (answers, rows) => rows.map((row) => 100 * Math.min(1, answers[row] as number)),
    }
  }
  const { ranking } = inputs
  if (ranking === undefined) throw new TpError('TP_DATA', 'benchmark', `${inputs.source}: holds no candidates to rank`)
  const { scores } = await rank(dense, inputs, { batchSize: BATCH })
  const scored = asScored(ranking, scores)
  const before = ndcgFigure(scores, scored)?.got ?? []
  const queries = [...candidatesOf(ranking).keys()]
  return {
    answersOf: async (session) => (await rank(session, inputs, { batchSize: BATCH })).scores.map(rounded),
    losses(answers, rows) {
      const after = ndcgFigure(answers, scored)?.got ?? []
      const chosen = new Set(rows.map((row) => ranking.queries[row]))
      return queries.flatMap((query, i) =>
        chosen.has(query) ? [100 * ((before[i] as number) - (after[i] as number))] : [],
      )
    },
  }
}

function rounded(value: number): number {
  return Number(value.toPrecision(6))
}

function cosine(a: Float64Array, b: Float64Array): number {
  const dot = (x: Float64Array, y: Float64Array): number =>
    x.reduce((sum, value, i) => sum + value * (y[i] as number), 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}
