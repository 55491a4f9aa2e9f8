import type { SearchData } from '../datasets/retrieval/search-data.ts'
import type { ScoredPairs } from '../datasets/scored-pairs.ts'
import type { ModelInputs } from '../inputs/model-inputs.ts'
import type { TaggedInputs } from '../inputs/tagged-inputs.ts'
import type { SpeechDecoder } from '../speech/speech-decoder.ts'
import type { SpeechInputs } from '../speech/speech-inputs.ts'

/** Texts, images or sounds that vectors are made of, and judgments of these; without them the vectors of the dense model count. */
export interface EmbeddingData {
  readonly task: 'embeddings'
  readonly inputs: ModelInputs
  readonly judged?: SearchData | ScoredPairs
  /** Whether documents are found by the vectors of their tokens. */
  readonly byToken?: boolean
}

/** Recordings, and the decoder that writes them down. */
export interface SpeechData {
  readonly task: 'asr'
  readonly inputs: SpeechInputs
  readonly decoder: SpeechDecoder
}

/** Examples as a model of one task takes them. */
export type TaskData =
  | { readonly task: 'classification' | 'ranking'; readonly inputs: ModelInputs }
  | EmbeddingData
  | { readonly task: 'regression'; readonly inputs: ModelInputs }
  | { readonly task: 'multi-label'; readonly inputs: TaggedInputs; readonly labels: readonly string[] | undefined }
  | { readonly task: 'tokens'; readonly inputs: TaggedInputs; readonly labels: readonly string[] | undefined }
  | SpeechData
