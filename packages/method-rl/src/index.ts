import { contractVersion, type MethodEntry, methodEntry, type Plugin } from '@tp/core'
import { rlSchedule, rlScheduleOptions } from './rl-schedule.ts'
import { trBert, trBertOptions } from './tr-bert.ts'

export { type RlScheduleOptions, rlSchedule } from './rl-schedule.ts'
export { type TrBertOptions, trBert } from './tr-bert.ts'

/**
 * All methods of this package: `tp methods`, `--method` and the tables of the READMEs read this list. It is marked as pure,
 * so that a bundle with one method omits it.
 */
export const methods: readonly MethodEntry[] = /* @__PURE__ */ (() => [
  methodEntry(trBert, 'asks a small policy for each token whether to keep it', trBertOptions),
  methodEntry(rlSchedule, 'keeps by received attention; a policy chooses how many', rlScheduleOptions),
])()

/** Default export for plugin loaders. */
const plugin: Plugin = { contractVersion, methods }
export default plugin
