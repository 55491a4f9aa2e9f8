import { contractVersion, type Plugin } from '@tp/core'
import { methods } from './methods.ts'

export { type AdaplerOptions, adapler } from './adapler.ts'
export { type DynamicVitOptions, dynamicvit } from './dynamicvit.ts'
export { type LengthAdaptiveOptions, lengthAdaptive } from './length-adaptive.ts'
export { type LtpOptions, ltp } from './ltp.ts'
export { methods } from './methods.ts'
export { powerBert } from './power-bert.ts'
export { sdtp } from './sdtp.ts'
export { type TranskimmerOptions, transkimmer } from './transkimmer.ts'

/** What a plugin loader reads. */
const plugin: Plugin = { contractVersion, methods }
export default plugin
