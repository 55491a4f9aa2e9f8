export { type ModelFolder, openModelFolder } from './model-folder.ts'
export { addBert, addDigits, addMail, type BertFiles, bertTokenizer, digitsProcessor } from './models.ts'
