import {
  type Amount,
  add,
  cast,
  less,
  log,
  type Method,
  maskedSoftmax,
  mean,
  mul,
  scorer,
  sigmoid,
  sub,
  sum,
  type Tensor,
  type Training,
  unsqueeze,
} from '@tp/core'

interface Options extends Pick<Training, 'stages' | 'copies'> {
  /** Whether the amounts are what is learned; default: yes. */
  readonly hardens?: boolean
  /** Where the thresholds may be. */
  readonly range?: readonly [number, number]
  readonly site?: NonNullable<Method['site']>
}

/** A method that learns thresholds of received attention; at a layer's input, of the noise that it draws. */
export function thresholds({ hardens = true, range, site = 'attention', ...training }: Options = {}): Method {
  const threshold = { dims: [], init: 0.02, ...(range && { range }) }
  return scorer({
    name: 'thresholds',
    family: 'gradient',
    site,
    score: (at) => (site === 'input' ? at.position : at.received),
    training: {
      ...training,
      params: { threshold },
      soften(at) {
        const score = site === 'input' ? at.noise(['B', 'N']) : at.received
        const kept = at.obey(sigmoid(mul(sub(score, at.param.threshold as Tensor), 200)))
        return {
          kept,
          output: (output) => mul(output, unsqueeze(kept, 2)),
          losses: { regulariser: mean(mean(kept, 1), 0) },
        }
      },
      ...(hardens && {
        harden: (learned) =>
          new Map(
            [...learned].map(([layer, values]): [number, Amount] => [
              layer,
              { kind: 'threshold', value: values.threshold?.data[0] as number },
            ]),
          ),
      }),
    },
  })
}

/** A method in whose soft form the first tokens are left, wholly, and no others: so many by layer. */
export function firstTokens(counts: ReadonlyMap<number, number>, site: NonNullable<Method['site']>): Method {
  return scorer({
    name: 'first-tokens',
    family: 'baseline',
    site,
    score: (site) => mul(site.position, -1),
    training: {
      params: { unused: { dims: [1], init: 0 } },
      soften(site) {
        const past = sub(add(site.position, 0.5), counts.get(site.layer) as number)
        // 1 before the count, 0 after it, in floats.
        return { kept: site.obey(sigmoid(mul(past, -1000))) }
      },
    },
  })
}

/** Keeps the first tokens, as many as the amount says; the encoder learns to do with any number. */
export const anyNumber: Method = scorer({
  name: 'any-number',
  family: 'gradient',
  score: ({ position }) => mul(position, -1),
  training: {
    copies: 2,
    lowest: 0.3,
    soften(site) {
      const most = unsqueeze(mul(site.ratio, site.count), 1)
      const kept = site.obey(cast(less(site.position, most), 'float32'))
      return { kept, attend: (scores) => maskedSoftmax(scores, kept) }
    },
  },
})

/** Learns by chance which tokens to keep, from two samples of each example. */
export const policy: Method = scorer({
  name: 'policy',
  family: 'gradient',
  score: ({ received }) => received,
  training: {
    params: { slope: { dims: [], init: 2 } },
    copies: 2,
    soften(site) {
      const probability = sigmoid(mul(sub(mul(site.received, 20), 1), site.param.slope as Tensor)) // [B,N]
      const drawn = cast(less(site.noise(['B', 'N']), probability), 'float32')
      const kept = site.obey(drawn)
      const chosen = add(mul(drawn, probability), mul(sub(1, drawn), sub(1, probability)))
      return {
        kept,
        attend: (scores) => maskedSoftmax(scores, kept),
        logProb: sum(mul(log(chosen), cast(site.attended, 'float32')), 1),
      }
    },
  },
})
