import { type MethodEntry, methodEntry } from '@tp/core'
import { ltp, ltpOptions } from './ltp.ts'

/** All methods of this package: what `tp methods`, `--method` and the tables of the READMEs read. */
export const methods: readonly MethodEntry[] = [
  methodEntry(ltp, 'drops what receives less attention than a learned threshold', ltpOptions),
]
