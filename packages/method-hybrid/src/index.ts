import { contractVersion, type Plugin } from '@tp/core'
import { methods } from './methods.ts'

export { aTome } from './a-tome.ts'
export { type DiffrateOptions, diffrate } from './diffrate.ts'
export { evit } from './evit.ts'
export { type EvoVitOptions, evoVit } from './evo-vit.ts'
export { type LtmpOptions, ltmp } from './ltmp.ts'
export { methods } from './methods.ts'
export { type PitomeOptions, pitome } from './pitome.ts'
export { type PptOptions, ppt } from './ppt.ts'
export { tofu } from './tofu.ts'
export { type TomeOptions, tome } from './tome.ts'
export { type TpsOptions, tps } from './tps.ts'
export { withFuse } from './with-fuse.ts'
export { withMerge } from './with-merge.ts'
export { type ZeroTpruneOptions, zeroTprune } from './zero-tprune.ts'

/** What a plugin loader reads. */
const plugin: Plugin = { contractVersion, methods }
export default plugin
