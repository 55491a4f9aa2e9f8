export * from './digits-data.ts'
export * from './embedded-models.ts'
export * from './mail-data.ts'
export { mailText } from './mail-text.ts'
