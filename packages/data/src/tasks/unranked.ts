import { TpError } from '@tp/core'
import { UNLABELED } from '../datasets/dataset.ts'
import type { Ranking } from '../datasets/ranking.ts'
import type { ModelInputs } from '../inputs/model-inputs.ts'
import type { Task } from '../outputs/task-of.ts'
import { noted } from './noted.ts'

/**
 * Pairs that are not candidates of the same queries, so that their order says nothing: with 0 and 1 they are of two classes, which one logit
 * tells apart; other numbers are estimated.
 * @throws TpError TP_DATA where they are to be ranked
 */
export function unranked(
  { ranking: _, ...inputs }: ModelInputs,
  { relevance }: Ranking,
  task: Task | undefined,
): { readonly task: 'classification' | 'regression'; readonly inputs: ModelInputs } {
  if (task === 'ranking') {
    const advice = 'give several documents for each query, or leave the task out'
    throw new TpError(
      'TP_DATA',
      'data',
      `${inputs.source}: most queries have one candidate, which nothing ranks; ${advice}`,
    )
  }
  if (relevance?.every((value) => value === 0 || value === 1)) return { task: 'classification', inputs }
  const targets = inputs.targets.map(() => UNLABELED)
  const estimated = { ...inputs, targets, estimates: { scores: relevance } }
  return { task: 'regression', inputs: relevance === undefined ? noted(estimated) : estimated }
}
