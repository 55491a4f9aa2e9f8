import { contractVersion, type MethodEntry, methodEntry, type Plugin } from '@tp/core'
import { aTome, aTomeOptions } from './a-tome.ts'
import { diffrate, diffrateOptions } from './diffrate.ts'
import { divPrune } from './div-prune.ts'
import { dpp } from './dpp.ts'
import { dropPadding } from './drop-padding.ts'
import { evit } from './evit.ts'
import { evoVit, evoVitOptions } from './evo-vit.ts'
import { idPruner, idPrunerOptions } from './id-pruner.ts'
import { lens } from './lens.ts'
import { ltmp, ltmpOptions } from './ltmp.ts'
import { pitome, pitomeOptions } from './pitome.ts'
import { pool } from './pool.ts'
import { ppt, pptOptions } from './ppt.ts'
import { recipes } from './recipes.ts'
import { thinPadding, thinPaddingOptions } from './thin-padding.ts'
import { tofu } from './tofu.ts'
import { tome, tomeOptions } from './tome.ts'
import { tps, tpsOptions } from './tps.ts'
import { visPruner, visPrunerOptions } from './vis-pruner.ts'
import { zeroTprune, zeroTpruneOptions } from './zero-tprune.ts'

// Merging: similar tokens become one.

export { type ATomeOptions, aTome } from './a-tome.ts'
export { type LtmpOptions, ltmp } from './ltmp.ts'
export { type PitomeOptions, pitome } from './pitome.ts'
export { pool } from './pool.ts'
export { type PptOptions, ppt } from './ppt.ts'
export { tofu } from './tofu.ts'
export { type TomeOptions, tome } from './tome.ts'

// Fusing: tokens that are not kept become part of those that are.

export { type DiffrateOptions, diffrate } from './diffrate.ts'
export { evit } from './evit.ts'
export { lens } from './lens.ts'
export { type ThinPaddingOptions, thinPadding } from './thin-padding.ts'
export { type TpsOptions, tps } from './tps.ts'

// Dropping: padding alone, by importance and likeness, or for some layers only.

export { divPrune } from './div-prune.ts'
export { dpp } from './dpp.ts'
export { dropPadding } from './drop-padding.ts'
export { type EvoVitOptions, evoVit } from './evo-vit.ts'
export { type IdPrunerOptions, idPruner } from './id-pruner.ts'
export { type VisPrunerOptions, visPruner } from './vis-pruner.ts'
export { type ZeroTpruneOptions, zeroTprune } from './zero-tprune.ts'

// Combinators: any scores, with the rest fused or merged.

export { withFuse } from './with-fuse.ts'
export { withMerge } from './with-merge.ts'

// The whole: all methods as a list, and as a plugin.

/**
 * All methods of this package: `tp methods`, `--method` and the tables of the READMEs read this list. It is marked as pure,
 * so that a bundle with one method omits it.
 */
export const methods: readonly MethodEntry[] = /* @__PURE__ */ (() => [
  methodEntry(tome, 'merges the most similar tokens in pairs', tomeOptions, recipes.tome),
  methodEntry(evit, 'keeps by class attention and fuses the rest into one token more'),
  methodEntry(pitome, 'merges where many tokens are alike and protects those that stand alone', pitomeOptions),
  methodEntry(ppt, 'drops tokens in examples where few matter, merges them in the others', pptOptions),
  methodEntry(diffrate, 'keeps by class attention, drops the last and merges the next', diffrateOptions),
  methodEntry(ltmp, 'merges above a cosine, then keeps the tokens that receive most attention', ltmpOptions),
  methodEntry(tps, 'keeps by class attention and squeezes each of the rest into the most similar', tpsOptions),
  methodEntry(zeroTprune, 'drops the unimportant by PageRank, then the ones that are like others', zeroTpruneOptions),
  methodEntry(divPrune, 'keeps tokens that are far from each other, as image tokens of vision-language models'),
  methodEntry(dpp, 'keeps tokens that span most: CDPruner without a text'),
  methodEntry(idPruner, 'keeps important tokens that are unlike those kept already', idPrunerOptions),
  methodEntry(visPruner, 'keeps important tokens, and of the others those that are not duplicates', visPrunerOptions),
  methodEntry(pool, 'averages neighboring patches: what choosing image tokens has to beat'),
  methodEntry(dropPadding, 'drops padding alone, for exports of a fixed length: exact', {}, recipes.dropPadding),
  methodEntry(tofu, 'drops one of two similar tokens in early layers, merges them at full length in late ones'),
  methodEntry(evoVit, 'lets tokens of little class attention skip layers, and come back', evoVitOptions),
  methodEntry(
    lens,
    'drops the tokens whose final states are predicted best, and counts them in means by the prediction',
  ),
  methodEntry(aTome, 'merges neighbors that are alike, as in speech', aTomeOptions, recipes.aTome),
  methodEntry(
    thinPadding,
    'keeps one of every few tokens of padding, and lets it count for them',
    thinPaddingOptions,
    recipes.thinPadding,
  ),
])()

/** Default export for plugin loaders. */
const plugin: Plugin = { contractVersion, methods }
export default plugin
