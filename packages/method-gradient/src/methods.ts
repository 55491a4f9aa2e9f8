import { type MethodEntry, methodEntry } from '@tp/core'
import { lengthAdaptive, lengthAdaptiveOptions } from './length-adaptive.ts'
import { ltp, ltpOptions } from './ltp.ts'
import { powerBert } from './power-bert.ts'

/** All methods of this package: what `tp methods`, `--method` and the tables of the READMEs read. */
export const methods: readonly MethodEntry[] = [
  methodEntry(ltp, 'drops what receives less attention than a learned threshold', ltpOptions),
  methodEntry(
    lengthAdaptive,
    'drops what receives least attention, in an encoder that has learned to do with any lengths',
    lengthAdaptiveOptions,
  ),
  methodEntry(powerBert, 'drops what receives least attention from others, down to a learned number of tokens'),
]
