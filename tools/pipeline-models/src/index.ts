export { addImages } from './images.ts'
export { openModelFolder, type PipelineFolder } from './model-folder.ts'
export { addBert, addDigits, addMail, type BertFiles, bertTokenizer, digitsProcessor } from './models.ts'
export { addSpeech, spoken } from './speech.ts'
