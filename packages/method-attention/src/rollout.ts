import {
  add,
  checkOptions,
  type Method,
  matmul,
  mean,
  mul,
  type NoOptions,
  squeeze,
  type Tensor,
  unsqueeze,
} from '@tp/core'

/**
 * Keeps the tokens that the class token's state draws on, followed back through all layers so far.
 *
 *   R ← ½·(Ā + I)·R,   R₀ = I,   score = the class token's row of R          [B,N,N], [B,N]
 *
 * Ā is the attention averaged over heads, I the residual connection; layers that drop nothing count, too. Needs a class
 * token. Attention rollout (Abnar & Zuidema, ACL 2020, arXiv:2005.00928, eq. 1): costs N³ multiply-adds a layer.
 */
export function rollout(options: NoOptions = {}): Method {
  checkOptions('rollout', {}, options)
  return Object.freeze<Method>({
    name: 'rollout',
    family: 'attention',
    paper: { title: 'Quantifying Attention Flow in Transformers', arxiv: '2005.00928' },
    carry: {
      rollout: { dims: ['N', 'N'], init: 'identity' },
      // The class token's row. It starts without the class token's own 1, which only its own score would show.
      relevance: { dims: ['N'], init: 0 },
    },
    reduce({ carried, clsAttention, attention, budget, attended }) {
      const before = carried.rollout as Tensor
      const drawn = squeeze(matmul(unsqueeze(mean(clsAttention, 1), 1), before), 1)
      const relevance = mul(add(drawn, carried.relevance as Tensor), 0.5)
      const rollout = mul(add(matmul(mean(attention, 1), before), before), 0.5)
      return { keep: budget?.select(relevance) ?? attended, carry: { rollout, relevance } }
    },
  })
}
