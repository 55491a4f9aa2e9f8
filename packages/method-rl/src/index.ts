import { contractVersion, type Plugin } from '@tp/core'
import { methods } from './methods.ts'

export { methods } from './methods.ts'

/** What a plugin loader reads. */
const plugin: Plugin = { contractVersion, methods }
export default plugin
