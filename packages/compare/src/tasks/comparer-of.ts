import type { TaskData } from '@tp/data'
import { hasTags, isLabeled } from '@tp/data/inputs'
import { answerComparer } from './answers.ts'
import { changedTagComparer } from './changed-tags.ts'
import { classComparer } from './classes.ts'
import type { Comparer } from './comparer.ts'
import { embeddingComparer } from './embeddings.ts'
import { pairComparer } from './pairs.ts'
import { rankingComparer } from './ranking.ts'
import { regressionComparer } from './regression.ts'
import { retrievalComparer } from './retrieval.ts'
import { speechComparer } from './speech.ts'
import { tokenComparer } from './tokens.ts'

/** Compares models as the task of the data wants it: classes by labels, or by the dense model's answers where there are none; vectors by relevance judgments or scores of people where the data have them. */
export function comparerOf(data: TaskData): Comparer {
  switch (data.task) {
    case 'tokens':
    case 'multi-label':
      return hasTags(data.inputs) ? tokenComparer(data.inputs, data.labels) : changedTagComparer(data.inputs)
    case 'ranking':
      return rankingComparer(data.inputs)
    case 'regression':
      return regressionComparer(data.inputs)
    case 'asr':
      return speechComparer(data.inputs, data.decoder)
    case 'embeddings': {
      const { inputs, judged, byToken = false } = data
      if (judged === undefined) return embeddingComparer(inputs)
      return 'relevant' in judged ? retrievalComparer(inputs, judged, byToken) : pairComparer(inputs, judged)
    }
    default:
      return isLabeled(data.inputs) ? classComparer(data.inputs) : answerComparer(data.inputs)
  }
}
