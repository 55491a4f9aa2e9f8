import {
  add,
  axisSize,
  cast,
  checkOptions,
  gatherND,
  greaterOrEqual,
  less,
  maximum,
  mean,
  mul,
  type OptionSpecs,
  pad,
  range,
  type Scorer,
  scorer,
  slice,
  squeeze,
  sub,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { ordinalsOf, realFirst } from './real-order.ts'

export interface SnapKvOptions {
  /** The last tokens, whose attention counts. Default 64. */
  readonly window?: number
  /** Tokens on either side that a score is averaged with. Default 2. */
  readonly reach?: number
}

export const snapKvOptions: OptionSpecs = {
  window: { type: 'integer', default: 64, min: 1, max: 1e6, description: 'the last tokens, whose attention counts' },
  reach: {
    type: 'integer',
    default: 2,
    min: 0,
    max: 8,
    description: 'tokens on either side that a score is averaged with',
  },
}

/** Above every mean of attention. */
const KEPT_FIRST = 2

/**
 * Keeps the tokens that the last ones of a prompt, among which the question usually is, attend to most, together with their neighbors.
 * The window itself is kept first.
 *
 *   a_j = mean over heads and the last `window` real tokens i of softmax(q_i · Kᵀ / √headDim)_j      [B,H,W,N] → [B,N]
 *   score_j = mean of a over j − reach … j + reach, without those of the window                       (0 beyond the ends)
 *
 * SnapKV (Li et al., NeurIPS 2024, arXiv:2404.14469; equations 3 and 4, with its mean instead of the maximum), whose kernel of 5 is a reach
 * of 2. There each head chooses by itself. It reads queries, which caches do not have: it prunes prompts, and not by `press`.
 */
export function snapKv(options: SnapKvOptions = {}): Scorer {
  checkOptions('snap-kv', snapKvOptions, options)
  const { window = 64, reach = 2 } = options
  return scorer({
    name: 'snap-kv',
    family: 'attention',
    paper: { title: 'SnapKV: LLM Knows What You are Looking for Before Generation', arxiv: '2404.14469' },
    score(site) {
      const { index, count } = site
      // Padding is between no neighbors.
      const order = realFirst(site)
      // A model without padding has one row of these for all examples.
      const everyRow = mul(slice(index, { axis: 1, start: 0, end: 1 }), 0)
      const ordinal = add(ordinalsOf(site), everyRow)
      const real = add(unsqueeze(count, [1]), everyRow)
      const last = maximum(sub(real, add(numbersBelow(window), 1)), 0)
      const attention = mean(site.attentionFrom(gatherAt(order, last)), [1, 2])
      const begin = sub(real, window)
      const inOrder = where(less(numbersBelow(squeeze(axisSize(index, 1), [0])), begin), gatherAt(attention, order), 0)
      const scores = gatherAt(averaged(inOrder, reach), maximum(ordinal, 0))
      return where(greaterOrEqual(ordinal, begin), KEPT_FIRST, scores)
    },
  })
}

/** 0, 1, 2, … float [N] */
function numbersBelow(limit: Tensor | number): Tensor {
  return cast(range(0, limit), 'float32')
}

/** Of x [B,N] the elements at places [B,M]. */
function gatherAt(x: Tensor, places: Tensor): Tensor {
  return gatherND(x, unsqueeze(cast(places, 'int64'), [2]), 1)
}

/** Mean of x [B,N] over 2·reach + 1 places around each, of which those beyond the ends hold 0. */
function averaged(x: Tensor, reach: number): Tensor {
  if (reach === 0) return x
  const padded = pad(x, [0, reach, 0, reach])
  const shifted = Array.from({ length: 2 * reach + 1 }, (_, by) =>
    slice(padded, { axis: 1, start: by, ...(by < 2 * reach && { end: by - 2 * reach }) }),
  )
  return mul(shifted.reduce(add), 1 / shifted.length)
}
