export { clauseData } from './clause-data.ts'
export { type Digit, digitsData } from './digits-data.ts'
export { type EmbeddedModelName, embeddedModel, modelPath } from './embedded-models.ts'
export { mailData } from './mail-data.ts'
