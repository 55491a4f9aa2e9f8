import type { MethodEntry } from '@tp/core'

/** All methods of this package: what `tp methods`, `--method` and the tables of the READMEs read. */
export const methods: readonly MethodEntry[] = []
