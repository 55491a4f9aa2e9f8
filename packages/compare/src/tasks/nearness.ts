import type { Session } from '@tp/core/runtime'
import type { SpeechData, TaskData } from '@tp/data'
import { someExamples } from '@tp/data/inputs'
import type { EvaluateOptions } from '../answers/run-examples.ts'
import { spreadByLength } from '../times/spread-by-length.ts'
import type { AnswerNearness } from './comparer.ts'
import { comparerOf } from './comparer-of.ts'

/** Few enough to run a model some dozen times. */
const FEW = 32

/** The meaning of {@link AnswerNearness.similarity}, by task. */
export const similarityNames: Readonly<Record<Exclude<TaskData['task'], 'asr'>, string>> = {
  classification: 'answers with the same class',
  'multi-label': 'labels decided alike',
  tokens: 'tokens with the same class',
  embeddings: 'mean cosine to the vectors',
  ranking: 'rank correlation with the order',
  regression: 'rank correlation with the numbers',
}

/** How near another model's answers are to the dense model's, on all examples or on a few. */
export type NearnessOf = (session: Session, thorough: boolean) => Promise<AnswerNearness>

/**
 * Runs the dense model, and returns how the answers of others are compared with its own, without labels. A few examples are of all lengths;
 * rankings and tags are compared on all of them each time.
 * @throws TpError TP_ABORTED, and what running the model throws
 */
export async function nearnessTo(
  dense: Session,
  data: Exclude<TaskData, SpeechData>,
  options: EvaluateOptions & { readonly batchSize: number },
): Promise<NearnessOf> {
  const openOn = async (some: TaskData): Promise<(session: Session) => Promise<AnswerNearness>> => {
    const comparer = comparerOf(some)
    const own = await comparer.run(dense, options)
    return async (session) => comparer.nearness(await comparer.run(session, options), own)
  }
  const all = await openOn(data)
  if (data.task === 'tokens' || data.task === 'ranking' || data.task === 'multi-label' || data.task === 'regression')
    return all
  const { inputs } = data
  const { batchSize } = options
  const some = spreadByLength(inputs, Math.ceil(FEW / batchSize), batchSize).flat()
  const few = await openOn({ ...data, inputs: someExamples(inputs, some) })
  return (session, thorough) => (thorough ? all : few)(session)
}
