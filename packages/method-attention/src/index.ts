import { contractVersion, type Plugin } from '@tp/core'
import { methods } from './methods.ts'

export { ats } from './ats.ts'
export { type BalancedOptions, balanced } from './balanced.ts'
export { clsAttention } from './cls-attention.ts'
export { cumulativeAttention } from './cumulative-attention.ts'
export { type KeyNormOptions, keyNorm } from './key-norm.ts'
export { methods } from './methods.ts'
export { type ReceivedAttentionOptions, receivedAttention } from './received-attention.ts'
export { rollout } from './rollout.ts'
export { valueAware } from './value-aware.ts'
export { valueWeighted } from './value-weighted.ts'

/** What a plugin loader reads. */
const plugin: Plugin = { contractVersion, methods }
export default plugin
