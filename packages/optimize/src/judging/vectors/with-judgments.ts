import type { EmbeddingData, TaskData } from '@tp/data'
import { type ModelInputs, someExamples } from '@tp/data/inputs'

/** With fewer pairs or queries that people have judged vectors are compared with the dense ones, which takes no judgments. */
export const LEAST_JUDGED = { pairs: 60, queries: 40 } as const

/** Pairs or queries that people have judged, where they are too few to choose by. */
export interface TooFewJudged {
  readonly of: 'pairs' | 'queries'
  readonly count: number
  readonly needed: number
}

function judgedOf(data: Exclude<TaskData, { task: 'asr' }>): EmbeddingData['judged'] {
  return data.task === 'embeddings' && !data.byToken ? data.judged : undefined
}

/** Judgments that `withJudgments` leaves aside, since they are too few. */
export function tooFewJudged(data: Exclude<TaskData, { task: 'asr' }>): TooFewJudged | undefined {
  const judged = judgedOf(data)
  if (judged === undefined) return undefined
  const of = 'queryCount' in judged ? 'queries' : 'pairs'
  const count = 'queryCount' in judged ? judged.queryCount : judged.scores.length
  const needed = LEAST_JUDGED[of]
  return count < needed ? { of, count, needed } : undefined
}

/** Texts to embed with what people have judged of them, if that is enough to choose by, and if all of these texts are there; other examples as they are. */
export function withJudgments(data: Exclude<TaskData, { task: 'asr' }>): ModelInputs {
  const { inputs } = data
  const judged = judgedOf(data)
  if (judged === undefined || tooFewJudged(data) !== undefined) return inputs
  const rows = [...inputs.targets.keys()]
  if ('queryCount' in judged) {
    const count = judged.queryCount + judged.documents.length
    if (rows.length < count) return inputs
    // Others may fill a batch.
    const own = rows.slice(0, count)
    return someExamples({ ...inputs, search: { data: judged, of: rows } }, own)
  }
  const { scores } = judged
  if (rows.length < 2 * scores.length) return inputs
  // First texts of all pairs, then second ones.
  const own = rows.slice(0, 2 * scores.length)
  const of = rows.map((row) => row % scores.length)
  return someExamples({ ...inputs, pairs: { of, scores: of.map((pair) => scores[pair] as number) } }, own)
}
