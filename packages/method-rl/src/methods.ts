import { type MethodEntry, methodEntry } from '@tp/core'
import { rlSchedule, rlScheduleOptions } from './rl-schedule.ts'
import { trBert, trBertOptions } from './tr-bert.ts'

/** All methods of this package: what `tp methods`, `--method` and the tables of the READMEs read. */
export const methods: readonly MethodEntry[] = [
  methodEntry(trBert, 'asks a small policy for each token whether to keep it', trBertOptions),
  methodEntry(rlSchedule, 'keeps by received attention; a policy chooses how many', rlScheduleOptions),
]
