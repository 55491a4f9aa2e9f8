// Data sets, tokenizers, images and sounds, as exported models take them.

// Data sets: labeled examples of a file or folder, whichever kind it is.

export { idxLabels, openDataset } from './datasets/open-dataset.ts'
export type { Ranking } from './datasets/ranking.ts'
export { sharedExamples } from './datasets/shared-examples.ts'
export { type LineEnd, linesOf, recordDelimiters } from './datasets/table/lines.ts'
export {
  findTextColumns,
  type TableHead,
  type TextColumns,
  type TextColumnsOptions,
} from './datasets/table/text-columns.ts'
export { readTaggedTsv, type TaggedDataset } from './datasets/tagged-tsv.ts'
export { readTextExamples } from './datasets/text-examples.ts'
export { readTexts } from './datasets/texts.ts'
export { readWav } from './datasets/wav-folder.ts'

// Search and pairs: queries, documents and judgments of people.

export { isRetrievalFolder } from './datasets/retrieval/retrieval-folder.ts'
export { readSearchData, type SearchData } from './datasets/retrieval/search-data.ts'
export { readScoredPairs, type ScoredPairs } from './datasets/scored-pairs.ts'

// Models: an ONNX file, and the files next to it.

export { classNames } from './inputs/model-facts.ts'
export { type ModelFolder, maxTokensOf, modelFolderFiles, readModelFolder } from './inputs/model-folder.ts'
export { type Pooling, poolingSource, poolingText, type RequiredPooling, requirePooling } from './inputs/pooling.ts'
export {
  hashesOfFiles,
  type ModelFile,
  type ReadModelOptions,
  readModel,
  requireModelFile,
  sizeOfFiles,
} from './models/model-file.ts'
export { type ReadLimits, readBytes } from './read-bytes.ts'

// Inputs: examples as a model takes them.

export { loadTokenizer } from './inputs/load-tokenizer.ts'
export { type PrepareOptions, prepareInputs } from './inputs/prepare.ts'
export { type TaggedInputs, taggedInputs } from './inputs/tagged-inputs.ts'

// Speech: recordings, and a decoder that writes them down.

export { readSpeech, type SpeechClip, type SpeechDataset } from './speech/read-speech.ts'
export { openSpeechDecoder, type SpeechDecoder } from './speech/speech-decoder.ts'
export { type SpeechInputs, someRecordings, speechInputs } from './speech/speech-inputs.ts'

// Generation: prompts, and texts that a decoder writes.

export { type AnswerOptions, answerPrompts, type Generation } from './generation/answer-prompts.ts'
export { type ChatTemplate, readChatTemplate } from './generation/chat-template.ts'
export { readEndTokens } from './generation/end-tokens.ts'
export { MOST_KEYS, type NeedleOptions, readNeedles } from './generation/needles.ts'
export { type Prompt, type PromptOptions, readPrompts } from './generation/prompts.ts'
export { type DecoderForm, openTextDecoder, type Reading, type TextDecoder } from './generation/text-decoder.ts'
export { type TextNearness, type TextNearnessOptions, textNearnessTo } from './generation/text-nearness.ts'

// Tasks: a file or folder as a model of any task takes it, for comparisons.

export { type ExamplesOptions, type OpenExamples, openExamples } from './tasks/open-examples.ts'
export { type ReadTaskData, readTaskData, type TaskDataOptions } from './tasks/read-task-data.ts'
export type { EmbeddingData, SpeechData, TaskData } from './tasks/task-data.ts'
