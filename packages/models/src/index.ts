export { type Digit, digitsData } from './digits-data.ts'
export { type EmbeddedModelName, embeddedModel, embeddedModels, modelPath } from './embedded-models.ts'
export { mailData } from './mail-data.ts'
export { mailText } from './mail-text.ts'
