import { contractVersion, type Plugin } from '@tp/core'
import { methods } from './methods.ts'

export { type LengthAdaptiveOptions, lengthAdaptive } from './length-adaptive.ts'
export { type LtpOptions, ltp } from './ltp.ts'
export { methods } from './methods.ts'
export { powerBert } from './power-bert.ts'

/** What a plugin loader reads. */
const plugin: Plugin = { contractVersion, methods }
export default plugin
