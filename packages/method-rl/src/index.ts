import { contractVersion, type Plugin } from '@tp/core'
import { methods } from './methods.ts'

export { methods } from './methods.ts'
export { type RlScheduleOptions, rlSchedule } from './rl-schedule.ts'
export { type TrBertOptions, trBert } from './tr-bert.ts'

/** What a plugin loader reads. */
const plugin: Plugin = { contractVersion, methods }
export default plugin
