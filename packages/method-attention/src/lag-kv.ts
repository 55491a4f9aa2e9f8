import {
  add,
  axisSize,
  cast,
  checkOptions,
  div,
  floor,
  gather,
  gatherND,
  greaterOrEqual,
  less,
  max,
  maximum,
  mean,
  min,
  minimum,
  mul,
  type OptionSpecs,
  range,
  reshape,
  type Scorer,
  scorer,
  slice,
  softmax,
  sqrt,
  squeeze,
  sub,
  sumSquare,
  type Tensor,
  topK,
  transpose,
  unsqueeze,
  where,
} from '@tp/core'
import { ordinalsOf, realFirst } from './real-order.ts'

export interface LagKvOptions {
  /** Tokens of a block. Default 128. */
  readonly lag?: number
  /** How many of the first tokens are kept. Default 4. */
  readonly sinks?: number
}

export const lagKvOptions: OptionSpecs = {
  lag: { type: 'integer', default: 128, min: 2, max: 1e6, description: 'tokens of a block' },
  sinks: { type: 'integer', default: 4, min: 0, max: 1e6, description: 'how many of the first tokens are kept' },
}

/** Where all of a block's tokens have one number, their distance from it is divided by this. */
const LEAST = 1e-12

/**
 * Keeps the tokens whose keys and values vary most against those of the block that follows: tokens that are alike there repeat
 * each other. Tokens are cut into blocks of `lag`; within each, tokens are ranked:
 *
 *   x̂_j = (x_j − min of the next block) / (max − min of the next block)      by channel, for keys and for values
 *   score_j = rank in its block of ½ softmax(std x̂ of keys)_j + ½ softmax(std x̂ of values)_j, over lag
 *
 * The first tokens and the last one to two blocks are kept first. Reads no attention at all. From key-value cache compression (Liang et al.,
 * 2025, arXiv:2504.04704), as kvpress has it, where each head chooses by itself; so it does in `press` of `@tp/compiler`.
 */
export function lagKv(options: LagKvOptions = {}): Scorer {
  checkOptions('lag-kv', lagKvOptions, options)
  const { lag = 128, sinks = 4 } = options
  return scorer({
    name: 'lag-kv',
    family: 'attention',
    paper: {
      title: 'LagKV: Lag-Relative Information of the KV Cache Tells Which Tokens Are Important',
      arxiv: '2504.04704',
    },
    score(site) {
      const { key, value, count } = site
      const tokens = axisSize(key, 2)
      // Padding belongs to no block.
      const order = realFirst(site)
      const ordinal = ordinalsOf(site)
      const places = minimum(add(blockNumbers(tokens, lag), sinks), sub(tokens, 1))
      const from = unsqueeze(gather(order, places, 1), [2])
      const blocks = (x: Tensor): Tensor => {
        const taken = gatherND(transpose(x, [0, 2, 1, 3]), from, 1)
        return reshape(taken, [axisSize(x, 0), -1, lag, axisSize(x, 1), axisSize(x, 3)])
      }
      const information = mul(add(variation(blocks(key)), variation(blocks(value))), 0.5)
      const ranked = reshape(mean(div(ranksOf(information, lag), lag), 3), [axisSize(key, 0), -1])
      const own = minimum(maximum(sub(cast(ordinal, 'int64'), sinks), 0), sub(axisSize(ranked, 1), 1))
      const scores = gatherND(ranked, unsqueeze(own, [2]), 1)
      const real = unsqueeze(count, [1])
      // Blocks that another full one follows are ranked.
      const full = floor(div(sub(real, sinks), lag))
      const tail = add(mul(sub(full, 1), lag), sinks)
      const recent = add(div(ordinal, real), 2)
      return where(less(ordinal, sinks), 4, where(greaterOrEqual(ordinal, tail), recent, scores))
    },
  })
}

/** 0, 1, 2, … as many as two blocks have, or more if there are more tokens. */
function blockNumbers(tokens: Tensor, lag: number): Tensor {
  const blocks = maximum(div(add(tokens, lag - 1), lag), 2)
  return range(0, squeeze(mul(blocks, lag), [0]))
}

/** Of [b,blocks,lag,h,d], softmax over each block of how much a token varies against the next block: [b,blocks−1,lag,h] */
function variation(x: Tensor): Tensor {
  const next = slice(x, { axis: 1, start: 1 })
  const least = min(next, 2, { keepDims: true })
  const width = maximum(sub(max(next, 2, { keepDims: true }), least), LEAST)
  const relative = div(sub(slice(x, { axis: 1, start: 0, end: -1 }), least), width)
  const apart = sub(relative, mean(relative, 4, { keepDims: true }))
  const size = sub(cast(axisSize(x, 4), 'float32'), 1)
  return softmax(sqrt(div(sumSquare(apart, 4), size)), 2)
}

/** Rank of each number along axis 2 of four, from 0, the smallest first. */
function ranksOf(x: Tensor, size: number): Tensor {
  const order = topK(x, size, { axis: 2, largest: false }).indices
  return cast(topK(cast(order, 'float32'), size, { axis: 2, largest: false }).indices, 'float32')
}
