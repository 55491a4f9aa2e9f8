export { type CreatedPlugin, type CreateOptions, createPlugin } from './create-plugin.ts'
export type { Kind } from './templates.ts'
