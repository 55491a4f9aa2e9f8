// Data sets in memory, and the form in which models take them. Requires neither files nor native code, so pages can use it.

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
} from '../datasets/dataset.ts'
export { candidatesOf, type Ranking } from '../datasets/ranking.ts'
export { audioInputs } from './audio-inputs.ts'
export { batches } from './batches.ts'
export { divide, sampleExamples } from './divide.ts'
export { IGNORED } from './ignored.ts'
export { imageInputs } from './image-inputs.ts'
export { type ModelFacts, modelFacts, type OtherModelFiles } from './model-facts.ts'
export { type ModelInputs, modalityOf } from './model-inputs.ts'
export { type SentenceModule, sentenceModules } from './pooling.ts'
export { someExamples } from './some-examples.ts'
export { textInputs } from './text-inputs.ts'
export { maskOf, type TokenRow, type TokenRows, type TokenRowsOptions, tokenRows } from './token-rows.ts'
export { openTokenizer, type TextTokenizer } from './tokenizer.ts'
