import type { ScoredPairs, SearchData, SpeechDecoder, SpeechInputs, TaggedInputs } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import { classComparer } from './classes.ts'
import type { Comparer } from './comparer.ts'
import { embeddingComparer } from './embeddings.ts'
import { pairComparer } from './pairs.ts'
import { rankingComparer } from './ranking.ts'
import { retrievalComparer } from './retrieval.ts'
import { speechComparer } from './speech.ts'
import { tokenComparer } from './tokens.ts'

/** What is embedded, and what vectors are measured by; absent: by those of the dense model. */
export interface EmbeddingData {
  readonly task: 'embeddings'
  readonly inputs: ModelInputs
  readonly judged?: SearchData | ScoredPairs
  /** Whether documents are found by the vectors of their tokens. */
  readonly byToken?: boolean
}

/** What is written down, and by which decoder. */
export interface SpeechData {
  readonly task: 'asr'
  readonly inputs: SpeechInputs
  readonly decoder: SpeechDecoder
}

/** Examples as a model of one task takes them. */
export type TaskData =
  | { readonly task: 'classification' | 'ranking'; readonly inputs: ModelInputs }
  | EmbeddingData
  | { readonly task: 'tokens'; readonly inputs: TaggedInputs; readonly labels: readonly string[] | undefined }
  | SpeechData

/** Compares models as the task of the data wants it: vectors by relevance judgments or scores of people where the data have them. */
export function comparerOf(data: TaskData): Comparer {
  switch (data.task) {
    case 'tokens':
      return tokenComparer(data.inputs, data.labels)
    case 'ranking':
      return rankingComparer(data.inputs)
    case 'asr':
      return speechComparer(data.inputs, data.decoder)
    case 'embeddings': {
      const { inputs, judged, byToken = false } = data
      if (judged === undefined) return embeddingComparer(inputs)
      return 'relevant' in judged ? retrievalComparer(inputs, judged, byToken) : pairComparer(inputs, judged)
    }
    default:
      return classComparer(data.inputs)
  }
}
