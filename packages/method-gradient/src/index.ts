import { contractVersion, type MethodEntry, methodEntry, type Plugin } from '@tp/core'
import { adapler, adaplerOptions } from './adapler.ts'
import { dynamicVitOptions, dynamicvit } from './dynamicvit.ts'
import { lengthAdaptive, lengthAdaptiveOptions } from './length-adaptive.ts'
import { ltp, ltpOptions } from './ltp.ts'
import { powerBert } from './power-bert.ts'
import { sdtp, sdtpRecipes } from './sdtp.ts'
import { transkimmer, transkimmerOptions } from './transkimmer.ts'

export { type AdaplerOptions, adapler } from './adapler.ts'
export { type DynamicVitOptions, dynamicvit } from './dynamicvit.ts'
export { type LengthAdaptiveOptions, lengthAdaptive } from './length-adaptive.ts'
export { type LtpOptions, ltp } from './ltp.ts'
export { powerBert } from './power-bert.ts'
export { sdtp } from './sdtp.ts'
export { type TranskimmerOptions, transkimmer } from './transkimmer.ts'

/**
 * All methods of this package: `tp methods`, `--method` and the tables of the READMEs read this list. It is marked as pure,
 * so that a bundle with one method omits it.
 */
export const methods: readonly MethodEntry[] = /* @__PURE__ */ (() => [
  methodEntry(ltp, 'drops what receives less attention than a learned threshold', ltpOptions),
  methodEntry(adapler, 'drops what contributes least to the answer, by a network that learns saliency', adaplerOptions),
  methodEntry(
    sdtp,
    'keeps what will count most for the answer, as a small network predicts that learned saliency',
    {},
    sdtpRecipes,
  ),
  methodEntry(dynamicvit, 'keeps what a small trained network holds most likely to be needed', dynamicVitOptions),
  methodEntry(transkimmer, 'asks a small trained network before each layer which tokens are kept', transkimmerOptions),
  methodEntry(
    lengthAdaptive,
    'drops what receives least attention, in an encoder that has learned to do with any lengths',
    lengthAdaptiveOptions,
  ),
  methodEntry(powerBert, 'drops what receives least attention from others, down to a learned number of tokens'),
])()

/** Default export for plugin loaders. */
const plugin: Plugin = { contractVersion, methods }
export default plugin
