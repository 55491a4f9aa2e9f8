import {
  compareRankings,
  compareToDense,
  embed,
  evaluate,
  evaluateTokens,
  rank,
  rankingIn,
  tokenAgreement,
} from '@tp/compare'
import { TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import { type ModelInputs, someExamples } from '@tp/data/inputs'
import { divergences, dot, figureInterval } from '@tp/metrics'
import type { Nearness } from '@tp/tune'
import { spreadByLength } from '../measuring/timed-examples.ts'
import type { SpeechTask, TaskInputs } from '../model/open-task-inputs.ts'

/** Examples on which nodes are compared: of all lengths, and few enough to run a model some dozen times. */
const FEW = 32

/** Data whose answers are compared one by one. */
export type ComparedInputs = Exclude<TaskInputs, SpeechTask>

interface Comparing {
  readonly batchSize: number
  readonly signal: AbortSignal
  readonly onProgress?: ((at: { readonly done: number; readonly total: number }) => void) | undefined
}

/** How near another model's answers are to the dense model's, on all examples or on a few. */
type CompareAnswers = (session: Session, thorough: boolean) => Promise<Nearness>

/** Runs the dense model, and says how the answers of others are compared with its own. */
export async function answersComparedWith(
  dense: Session,
  data: ComparedInputs,
  options: Comparing,
): Promise<CompareAnswers> {
  if (data.task === 'tokens') {
    const own = await evaluateTokens(dense, data.inputs, options)
    return async (session) => {
      const { estimate } = figureInterval(tokenAgreement(await evaluateTokens(session, data.inputs, options), own))
      return { similarity: estimate, divergence: 1 - estimate }
    }
  }
  if (data.task === 'ranking') {
    const own = await rank(dense, data.inputs, options)
    return async (session) => {
      const near = compareRankings(await rank(session, data.inputs, options), own, rankingIn(data.inputs))
      if (near.rankCorrelation.got.length === 0)
        throw new TpError('TP_DATA', data.inputs.source, 'no query has three candidates, so no order can be compared')
      return {
        similarity: figureInterval(near.rankCorrelation).estimate,
        divergence: figureInterval(near.change).estimate,
      }
    }
  }
  const [all, few] = [data.inputs, fewOf(data.inputs, options.batchSize)]
  if (data.task === 'embeddings') {
    const [own, ownFew] = [await embed(dense, all, options), await embed(dense, few, options)]
    return async (session, thorough) => {
      const { vectors } = await embed(session, thorough ? all : few, options)
      const expected = thorough ? own.vectors : ownFew.vectors
      const cosines = vectors.map((vector, i) => dot(vector, expected[i] as Float64Array))
      const similarity = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length
      return { similarity, divergence: 1 - similarity }
    }
  }
  const [own, ownFew] = [await evaluate(dense, all, options), await evaluate(dense, few, options)]
  return async (session, thorough) => {
    const [answers, expected] = thorough
      ? [await evaluate(session, all, options), own]
      : [await evaluate(session, few, options), ownFew]
    const far = divergences(expected, answers)
    return {
      similarity: compareToDense(answers, expected).agreement / 100,
      divergence: far.reduce((sum, each) => sum + each, 0) / far.length,
    }
  }
}

function fewOf(inputs: ModelInputs, batchSize: number): ModelInputs {
  return someExamples(inputs, spreadByLength(inputs, Math.ceil(FEW / batchSize), batchSize).flat())
}
