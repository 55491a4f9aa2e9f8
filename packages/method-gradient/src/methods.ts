import { type MethodEntry, methodEntry } from '@tp/core'
import { ltp, ltpOptions } from './ltp.ts'
import { powerBert } from './power-bert.ts'

/** All methods of this package: what `tp methods`, `--method` and the tables of the READMEs read. */
export const methods: readonly MethodEntry[] = [
  methodEntry(ltp, 'drops what receives less attention than a learned threshold', ltpOptions),
  methodEntry(powerBert, 'drops what receives least attention from others, down to a learned number of tokens'),
]
