export { type CreatedPlugin, type CreateOptions, createPlugin } from './create-plugin.ts'
export type { PluginKind } from './templates.ts'
