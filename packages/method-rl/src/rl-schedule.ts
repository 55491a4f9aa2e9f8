import {
  add,
  argMax,
  cast,
  checkOptions,
  concat,
  constant,
  constantOf,
  div,
  evaluate,
  gather,
  gatherElements,
  greater,
  type Learned,
  less,
  log,
  logSoftmax,
  type Method,
  mul,
  neg,
  type OptionSpecs,
  ranks,
  receivedFrom,
  type Schedule,
  type SoftSite,
  scorer,
  smallNetwork,
  smallNetworkParams,
  softmaxOfKept,
  squeeze,
  sub,
  sum,
  type Tensor,
  tenThousandths,
  type Values,
  where,
} from '@tp/core'
import { samplesOption } from './samples-option.ts'

export interface RlScheduleOptions {
  /** How often each example is tried in a step; their mean reward is what each is measured by (default 8). */
  readonly samples?: number | undefined
  /** The least share that a layer may keep; there is a choice of every tenth from it up to 1 (default 0.4). */
  readonly lowest?: number | undefined
}

export const rlScheduleOptions: OptionSpecs = {
  samples: samplesOption,
  lowest: {
    description: 'the least share that a layer may keep, of every tenth up to 1',
    type: 'number',
    min: 0.1,
    max: 1,
    default: 0.4,
  },
}

/**
 * Keeps the tokens that receive most attention; how many at each layer is learned by reinforcement.
 *
 *   f = (layer / layers, ρ, ρ · (layers − layer) / layers)     the layer, the keep ratio so far (ρ), and what
 *                                                             the layers to come will cost at it                    [B,3]
 *   z = W₂ gelu(W₁ f + b₁) + b₂, one for each ratio 1, 0.9, …; the same for all layers                               [B,R]
 *   learning: ratio r by arg max of z + Gumbel noise; the top ⌈r·n⌉ by received attention are kept; log p = log softmax(z)_r
 *   afterwards: the likeliest ratio of each layer in turn
 *
 * The reward is −loss − α · FLOPs, that of {@link trBert}. The schedule that comes out is one for all examples.
 */
export function rlSchedule(options: RlScheduleOptions = {}): Method {
  checkOptions('rl-schedule', rlScheduleOptions, options)
  const { samples = 8, lowest = 0.4 } = options
  const ratios = Array.from({ length: 10 }, (_, i) => (10 - i) / 10).filter((ratio) => ratio >= lowest - 1e-9)
  const params = smallNetworkParams(3, WIDTH, ratios.length, 'model')
  return scorer({
    name: 'rl-schedule',
    family: 'reinforcement',
    score: (site) => site.received,
    training: {
      params,
      copies: samples,
      stages: [
        { name: 'policy', share: 1, learns: 'method', terms: { task: 0, cost: 0 } },
        { name: 'joint', share: 1, learns: 'all', terms: { cost: 0 } },
      ],
      soften(site) {
        const { kept, param } = site
        const share = div(sum(kept, 1, { keepDims: true }), sum(cast(site.attended, 'float32'), 1, { keepDims: true }))
        const logits = logitsOf(share, site, param)
        const choice = argMax(add(logits, gumbel(site.noise(['B', ratios.length]))), 1, { keepDims: true })
        const chosen = topTokens(site, gather(constant(ratios.map(tenThousandths), 'int64'), choice))
        const now = mul(kept, chosen)
        return {
          kept: chosen,
          attend: (scores) => softmaxOfKept(scores, now),
          logProb: squeeze(gatherElements(logSoftmax(logits, 1), choice, 1), [1]),
        }
      },
      harden: (learned, { layerCount }) => likeliest(learned, layerCount, ratios),
    },
  })
}

/** Hidden size of the policy. */
const WIDTH = 16

/** The preference for each ratio: share float [B,1] → [B,R] */
function logitsOf(share: Tensor, { layer, layerCount }: Pick<SoftSite, 'layer' | 'layerCount'>, param: Values): Tensor {
  const ordinal = add(mul(share, 0), layer / layerCount)
  const features = concat([ordinal, share, mul(share, (layerCount - layer) / layerCount)], 1)
  return smallNetwork(features, param)
}

/** The largest of logits with this noise added is a sample of their softmax. */
function gumbel(noise: Tensor): Tensor {
  return neg(log(sub(1e-9, log(add(noise, 1e-9)))))
}

/**
 * float [B,N]: 1 for the tokens that receive most attention from the kept ones.
 * @param ratio int64 [B,1], in ten-thousandths
 */
function topTokens(site: SoftSite, ratio: Tensor): Tensor {
  const { attention, kept, protectedTokens, obey } = site
  const count = sum(kept, 1, { keepDims: true })
  const amount = div(add(mul(cast(count, 'int64'), ratio), 9999), 10000)
  const rank = ranks(site, where(protectedTokens, FIRST, receivedFrom(attention, kept)), greater(kept, 0))
  return obey(cast(less(rank, cast(amount, 'float32')), 'float32'))
}

/** More than any token receives. */
const FIRST = 2

/** The likeliest ratio of each layer, given those of the layers before. */
function likeliest(learned: ReadonlyMap<number, Learned>, layerCount: number, ratios: readonly number[]): Schedule {
  let share = 1
  const plan = new Map<number, { readonly kind: 'ratio'; readonly value: number }>()
  for (const [layer, values] of [...learned].sort(([a], [b]) => a - b)) {
    const param = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, constantOf(value, () => value.data)]),
    )
    const logits = logitsOf(constant([share], 'float32', [1, 1]), { layer, layerCount }, param)
    const [choice] = evaluate([argMax(logits, 1)], {})
    const value = ratios[Number(choice?.data[0])] as number
    plan.set(layer, { kind: 'ratio', value })
    share *= value
  }
  return plan
}
