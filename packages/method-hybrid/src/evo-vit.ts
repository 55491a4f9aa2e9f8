import { add, checkOptions, type Method, mul, type OptionSpecs, sum, type Tensor } from '@tp/core'

export interface EvoVitOptions {
  /** Weight of each layer's own attention in what has gathered so far, above 0 and at most 1 (default 0.5). */
  readonly tradeoff?: number | undefined
}

export const evoVitOptions: OptionSpecs = {
  tradeoff: {
    description: "weight of each layer's own class attention against what has gathered before",
    type: 'number',
    min: 0,
    max: 1,
    default: 0.5,
  },
}

/**
 * Lets tokens that the class token looks at little skip some layers, and come back unchanged.
 *
 *   g_j ← (1 − t)·g_j + t·Σ_h A_cls,j   in every layer that the token goes through; g = Σ_h A_cls in the first   [B,N]
 *
 * At the input of each layer that the schedule names all tokens are there again, and those with the highest g go on. The
 * last ones to skip come back before the head, unless nothing is restored (the published `prunecls`). At layer 0
 * nothing has gathered yet: the first tokens go on there. Needs a class token.
 * Evo-ViT (Xu et al., AAAI 2022, arXiv:2108.01390), as its code has it; the paper's representative token is not in there.
 *
 * Differs from the published code: tokens remain sorted by importance there; here all return to their positions. The counts
 * are the schedule's and include the class token; the code keeps the class token and int(N·ρ) patches.
 */
export function evoVit(options: EvoVitOptions = {}): Method {
  checkOptions('evo-vit', evoVitOptions, options)
  const { tradeoff = 0.5 } = options
  return Object.freeze<Method>({
    name: 'evo-vit',
    family: 'hybrid',
    paper: { title: 'Evo-ViT: Slow-Fast Token Evolution for Dynamic Vision Transformer', arxiv: '2108.01390' },
    site: 'input',
    returns: true,
    carry: { global: { dims: ['N'], init: 0 } },
    reduce(site) {
      const before = site.carried.global as Tensor
      if (site.budget !== undefined) return { keep: site.budget.select(before), carry: { global: before } }
      const now = sum(site.clsAttention, 1)
      const global = site.layer === 0 ? now : add(mul(before, 1 - tradeoff), mul(now, tradeoff))
      return { keep: site.attended, carry: { global } }
    },
  })
}
