import type { Tensor } from '../expression/tensor.ts'
import type { Method } from '../method/method.ts'
import { checkOptions, type OptionSpecs } from '../method/options.ts'
import { scorer } from '../method/scorer.ts'
import type { Site } from '../method/site.ts'
import { cast, cumSum, lessOrEqual, sub, where } from '../ops/index.ts'

export interface StreamingOptions {
  /** How many of the first tokens are kept. Default 4. */
  readonly sinks?: number
}

export const streamingOptions: OptionSpecs = {
  sinks: { type: 'integer', default: 4, min: 0, max: 1e6, description: 'how many of the first tokens are kept' },
}

/** More than the number of any token. */
const FIRST = 2 ** 23

/**
 * Keeps the first tokens, which decoders attend to whatever they are (attention sinks), and the last ones: the control for caches,
 * which has to be beaten at what lies in between (Xiao et al., ICLR 2024, arXiv:2309.17453).
 *
 *   score_j = 2²³ − j for j ≤ sinks, else j                                  [B,N], the j-th real token from 1
 */
export function streaming(options: StreamingOptions = {}): Method {
  checkOptions('streaming', streamingOptions, options)
  const { sinks = 4 } = options
  return scorer({
    name: 'streaming',
    family: 'baseline',
    paper: { title: 'Efficient Streaming Language Models with Attention Sinks', arxiv: '2309.17453' },
    signed: true,
    score: (site) => recent(site, sinks),
  })
}

function recent({ attended }: Site, sinks: number): Tensor {
  const ordinal = cumSum(cast(attended, 'float32'), 1)
  return sinks === 0 ? ordinal : where(lessOrEqual(ordinal, sinks), sub(FIRST, ordinal), ordinal)
}
