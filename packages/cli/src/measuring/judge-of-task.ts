import type { Embeddings, Outcome } from '@tp/compare'
import { openSpeechDecoder, type SpeechDecoder } from '@tp/data'
import { nodeRuntime } from '@tp/runtime-node'
import type { Context } from '../command/context.ts'
import type { EmbeddingInputs, TaskInputs } from '../model/open-task-inputs.ts'
import type { Judge } from './judge.ts'
import { asrJudge } from './judge-asr.ts'
import { classJudge } from './judge-classes.ts'
import { embeddingJudge } from './judge-embeddings.ts'
import { pairJudge } from './judge-pairs.ts'
import { rankingJudge } from './judge-ranking.ts'
import { retrievalJudge } from './judge-retrieval.ts'
import { tokenJudge } from './judge-tokens.ts'

/**
 * Judges answers as the task of the data wants it.
 * @param use gets the judge, and the decoder that follows an encoder of speech, which is open until the result is there
 */
export async function judging<T>(
  data: TaskInputs,
  { signal, runtime = nodeRuntime() }: Pick<Context, 'signal' | 'runtime'>,
  use: <O extends Outcome>(judge: Judge<O>, decoder?: SpeechDecoder) => Promise<T>,
): Promise<T> {
  switch (data.task) {
    case 'tokens':
      return await use(tokenJudge(data.inputs, data.labels))
    case 'embeddings':
      return await use(embeddingJudgeOf(data))
    case 'ranking':
      return await use(rankingJudge(data.inputs))
    case 'asr': {
      await using session = await runtime.load(data.decoder, { threads: 1, signal })
      const decoder = await openSpeechDecoder(session, data.decoder)
      return await use(asrJudge(data.inputs, decoder), decoder)
    }
    default:
      return await use(classJudge(data.inputs))
  }
}

/** By relevance judgments or scores of people where the data have them, else by comparison with the dense vectors. */
function embeddingJudgeOf({ inputs, judged, byToken = false }: EmbeddingInputs): Judge<Embeddings> {
  if (judged === undefined) return embeddingJudge(inputs)
  return 'relevant' in judged ? retrievalJudge(inputs, judged, byToken) : pairJudge(inputs, judged)
}
