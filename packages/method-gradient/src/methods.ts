import { type MethodEntry, methodEntry } from '@tp/core'
import { adapler, adaplerOptions } from './adapler.ts'
import { dynamicVitOptions, dynamicvit } from './dynamicvit.ts'
import { lengthAdaptive, lengthAdaptiveOptions } from './length-adaptive.ts'
import { ltp, ltpOptions } from './ltp.ts'
import { powerBert } from './power-bert.ts'
import { sdtp } from './sdtp.ts'
import { transkimmer, transkimmerOptions } from './transkimmer.ts'

/** All methods of this package: what `tp methods`, `--method` and the tables of the READMEs read. */
export const methods: readonly MethodEntry[] = [
  methodEntry(ltp, 'drops what receives less attention than a learned threshold', ltpOptions),
  methodEntry(adapler, 'drops what contributes least to the answer, by a network that learns saliency', adaplerOptions),
  methodEntry(sdtp, 'keeps what will count most for the answer, as a small network predicts that learned saliency'),
  methodEntry(dynamicvit, 'keeps what a small trained network holds most likely to be needed', dynamicVitOptions),
  methodEntry(transkimmer, 'asks a small trained network before each layer which tokens are kept', transkimmerOptions),
  methodEntry(
    lengthAdaptive,
    'drops what receives least attention, in an encoder that has learned to do with any lengths',
    lengthAdaptiveOptions,
  ),
  methodEntry(powerBert, 'drops what receives least attention from others, down to a learned number of tokens'),
]
