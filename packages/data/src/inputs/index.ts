// Data sets in memory, and the form in which models take them. Requires neither files nor native code, so pages can use it.

// Data sets: examples in memory, with their labels or what they are ranked by.

export {
  type AudioDataset,
  type Dataset,
  type Example,
  imageDataset,
  type Modality,
  type RawImage,
  type Sound,
  type TextDataset,
  textDataset,
  UNLABELED,
} from '../datasets/dataset.ts'
export { candidatesOf, competes, type Ranking } from '../datasets/ranking.ts'

// Inputs: examples as a model takes them, in batches.

export { audioInputs } from './audio-inputs.ts'
export { batches } from './batches.ts'
export { distinctExamples } from './distinct-examples.ts'
export { divide, sampleExamples } from './divide.ts'
export { exampleMarks, joinMarks, type MarkReader, markReader } from './example-marks.ts'
export { fingerprint } from './fingerprint.ts'
export { IGNORED } from './ignored.ts'
export { imageInputs } from './image-inputs.ts'
export { hasTags, isLabeled, type ModelInputs, modalityOf } from './model-inputs.ts'
export { type BatchSource, runBatch } from './run-batch.ts'
export { withDefaultPrompt } from './sentence-prompts.ts'
export { someExamples } from './some-examples.ts'
export { textInputs } from './text-inputs.ts'

// Tokens: texts as numbers of tokens.

export { maskOf, type TokenRow, type TokenRows, type TokenRowsOptions, tokenRows } from './token-rows.ts'
export { openTokenizer, type TextTokenizer } from './tokenizer.ts'

// Facts: how a model reads its inputs, from the files next to it.

export { type ModelFacts, modelFacts, type OtherModelFiles } from './model-facts.ts'
