import { asScored, commonTag, embed, evaluate, expectedTagFigure, ndcgFigure, rank, tagTokens } from '@tp/compare'
import { TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import type { TaggedInputs, TaskData } from '@tp/data'
import { candidatesOf, IGNORED } from '@tp/data/inputs'
import { expectedLosses, type Figure, figureLoss, temperatureOf } from '@tp/metrics'

/** Data of a task whose choice is judged: classes, ranks, vectors or tags. */
export type PoolData = Extract<TaskData, { readonly task: 'classification' | 'ranking' | 'embeddings' | 'tokens' }>

/** The answers of one model to all examples of a pool: a class, a score or 1 − the cosine to the dense vector of each; of words the tags. */
export type PoolAnswers = readonly number[]

/** The dense model's answers, by which all others are judged. */
export interface DenseAnswers {
  answersOf(session: Session): Promise<PoolAnswers>
  /** Expected points lost by the answers to some examples, by example or, of ranks, by query; of tags all together. */
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
  if (task === 'tokens') return await denseTags(dense, data.inputs)
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

/** Expected points of F1 of tags other than the commonest. */
async function denseTags(dense: Session, inputs: TaggedInputs): Promise<DenseAnswers> {
  const { predictions, logits } = await tagTokens(dense, inputs, { batchSize: BATCH, logits: true })
  if (logits === undefined) throw new TpError('TP_DATA', 'benchmark', `${inputs.source}: the model has too many tags`)
  const { classes, bySentence } = logits
  const targets = inputs.tags.map((tags) => tags.filter((tag) => tag !== IGNORED))
  const all = { logits: Float32Array.from(bySentence.flatMap((own) => [...own])), classes }
  const temperature = temperatureOf(
    all,
    targets.flatMap((tags) => [...tags]),
  )
  const common = commonTag(predictions)
  const ends = cumulated(predictions.map(({ length }) => length))
  return {
    answersOf: async (session) =>
      (await tagTokens(session, inputs, { batchSize: BATCH })).predictions.flatMap((tags) => [...tags]),
    losses(answers, rows) {
      const likely = {
        ...{ classes, temperature },
        logits: Float32Array.from(rows.flatMap((row) => [...(bySentence[row] as Float32Array)])),
      }
      const after = rows.map((row) => Int32Array.from(answers.slice(ends[row - 1] ?? 0, ends[row])))
      const figureOf = (tags: readonly Int32Array[]): Figure => expectedTagFigure(tags, likely, common)
      const before = rows.map((row) => predictions[row] as Int32Array)
      return [100 * figureLoss(figureOf(before), figureOf(after)).estimate]
    },
  }
}

/** The sum of the first so many. */
function cumulated(counts: readonly number[]): number[] {
  let sum = 0
  return counts.map((count) => (sum += count))
}

function rounded(value: number): number {
  return Number(value.toPrecision(6))
}

function cosine(a: Float64Array, b: Float64Array): number {
  const dot = (x: Float64Array, y: Float64Array): number =>
    x.reduce((sum, value, i) => sum + value * (y[i] as number), 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}
