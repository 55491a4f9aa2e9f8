import { contractVersion, type MethodEntry, methodEntry, type Plugin } from '@tp/core'
import { ats } from './ats.ts'
import { balanced, balancedOptions } from './balanced.ts'
import { clsAttention } from './cls-attention.ts'
import { cumulativeAttention } from './cumulative-attention.ts'
import { keyDiff } from './key-diff.ts'
import { keyNorm, keyNormOptions } from './key-norm.ts'
import { lagKv, lagKvOptions } from './lag-kv.ts'
import { lastQuery } from './last-query.ts'
import { receivedAttention, receivedAttentionOptions } from './received-attention.ts'
import { recipes } from './recipes.ts'
import { rollout } from './rollout.ts'
import { snapKv, snapKvOptions } from './snap-kv.ts'
import { valueAware } from './value-aware.ts'
import { valueWeighted } from './value-weighted.ts'

export { ats } from './ats.ts'
export { type BalancedOptions, balanced } from './balanced.ts'
export { clsAttention } from './cls-attention.ts'
export { cumulativeAttention } from './cumulative-attention.ts'
export { keyDiff } from './key-diff.ts'
export { type KeyNormOptions, keyNorm } from './key-norm.ts'
export { type LagKvOptions, lagKv } from './lag-kv.ts'
export { lastQuery } from './last-query.ts'
export { type ReceivedAttentionOptions, receivedAttention } from './received-attention.ts'
export { rollout } from './rollout.ts'
export { type SnapKvOptions, snapKv } from './snap-kv.ts'
export { valueAware } from './value-aware.ts'
export { valueWeighted } from './value-weighted.ts'

/**
 * All methods of this package: `tp methods`, `--method` and the tables of the READMEs read this list. It is marked as pure,
 * so that a bundle with one method omits it.
 */
export const methods: readonly MethodEntry[] = /* @__PURE__ */ (() => [
  methodEntry(
    receivedAttention,
    'keeps the tokens that receive most attention',
    receivedAttentionOptions,
    recipes.receivedAttention,
  ),
  methodEntry(valueAware, 'keeps the tokens that receive much attention and have large values', {}, recipes.valueAware),
  methodEntry(clsAttention, 'keeps the tokens that the class token attends to most', {}, recipes.clsAttention),
  methodEntry(lastQuery, 'keeps the tokens that the last token attends to most'),
  methodEntry(snapKv, 'keeps the tokens that the last tokens attend to most, and their neighbors', snapKvOptions),
  methodEntry(
    balanced,
    'keeps by class attention and received attention in equal parts',
    balancedOptions,
    recipes.balanced,
  ),
  methodEntry(valueWeighted, 'keeps by class attention times the norm of the value'),
  methodEntry(ats, 'keeps the tokens hit by points sampled from the value-weighted score'),
  methodEntry(cumulativeAttention, 'keeps the tokens that received most attention in all layers so far'),
  methodEntry(rollout, "keeps the tokens that the class token's state draws on, through all layers so far"),
  methodEntry(keyDiff, 'keeps the tokens whose keys are least like the others'),
  methodEntry(lagKv, 'keeps the tokens whose keys and values vary most against those of the next block', lagKvOptions),
  methodEntry(keyNorm, 'keeps the tokens with the smallest (or largest) keys', keyNormOptions),
])()

/** Default export for plugin loaders. */
const plugin: Plugin = { contractVersion, methods }
export default plugin
