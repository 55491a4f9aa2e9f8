// Evaluates models on data sets that are read from files, and compares them.

export { readLabeledTexts } from './datasets/labeled-texts.ts'
export { idxLabels, isDatasetFile, openDataset } from './datasets/open-dataset.ts'
export type { Ranking } from './datasets/ranking.ts'
export { isRetrievalFolder } from './datasets/retrieval/retrieval-folder.ts'
export { readSearchData, type SearchData } from './datasets/retrieval/search-data.ts'
export { readScoredPairs, type ScoredPairs } from './datasets/scored-pairs.ts'
export { sharedExamples } from './datasets/shared-examples.ts'
export {
  findTextColumns,
  type TableHead,
  type TextColumns,
  type TextColumnsOptions,
} from './datasets/table/text-columns.ts'
export { readTaggedTsv } from './datasets/tagged-tsv.ts'
export { readTexts } from './datasets/texts.ts'
export { readWav } from './datasets/wav-folder.ts'
export { compareToDense, type DenseComparison } from './evaluation/against-dense.ts'
export { evaluate } from './evaluation/evaluate.ts'
export { analyseFlips, type Flip, type FlipAnalysis, type KeptToken } from './evaluation/flips.ts'
export { qualityOf } from './evaluation/quality.ts'
export type { EvaluateOptions } from './evaluation/run-examples.ts'
export { type AnswerOptions, answerPrompts, type Generation } from './generation/answer-prompts.ts'
export { type ChatTemplate, readChatTemplate } from './generation/chat-template.ts'
export { readEndTokens } from './generation/end-tokens.ts'
export { MOST_KEYS, type NeedleOptions, readNeedles } from './generation/needles.ts'
export { type Prompt, type PromptOptions, readPrompts } from './generation/prompts.ts'
export {
  type DecoderForm,
  emptyCaches,
  openTextDecoder,
  type Reading,
  type TextDecoder,
} from './generation/text-decoder.ts'
export { loadTokenizer } from './inputs/load-tokenizer.ts'
export {
  type ModelFolder,
  modelFolderFiles,
  readFolderJson,
  readModelFolder,
  readPooling,
} from './inputs/model-folder.ts'
export { type Pooling, pool, requirePooling, USUAL_POOLING } from './inputs/pooling.ts'
export { type PrepareOptions, prepareInputs } from './inputs/prepare.ts'
export { type ReadModel, readModel } from './inputs/read-model.ts'
export { type TaggedInputs, taggedInputs } from './inputs/tagged-inputs.ts'
export { type ReadLimits, readBytes } from './read-bytes.ts'
export { readSpeech, type SpeechClip, type SpeechDataset } from './speech/read-speech.ts'
export { openSpeechDecoder, type SpeechDecoder } from './speech/speech-decoder.ts'
export { type SpeechInputs, someRecordings, speechInputs } from './speech/speech-inputs.ts'
export { type Transcription, transcribe, withDecoder } from './tasks/asr.ts'
export {
  compareEmbeddings,
  type Embeddings,
  embed,
  embeddingOutput,
  type Nearness,
  type RanBatch,
  vectorsOf,
} from './tasks/embeddings.ts'
export type { Evaluation, Outcome, Task } from './tasks/outcome.ts'
export { classTokenOutput, statesOutput } from './tasks/pooled-output.ts'
export {
  asScored,
  compareRankings,
  ndcgFigure,
  type RankingEvaluation,
  type RankingNearness,
  rank,
  rankingDivergences,
  rankingIn,
} from './tasks/ranking.ts'
export { type Retrieval, retrieve } from './tasks/retrieval.ts'
export { taskOf } from './tasks/task-of.ts'
export { evaluateTokens, type TokenEvaluation, tagsOf, tokenAgreement } from './tasks/tokens.ts'
