import { describe, expect, test } from 'vitest'
import { isTpError, TpError } from '../errors.ts'
import type { Tensor } from '../expression/tensor.ts'
import type { Method, Reduction } from '../method/method.ts'
import { scorer } from '../method/scorer.ts'
import type { Site } from '../method/site.ts'
import { cast, gather, greater, input, mean, sum, unsqueeze } from '../ops/index.ts'
import { reduceTokens } from './reduce.ts'
import type { SiteSource } from './site-source.ts'
import { softenTokens } from './soften.ts'
import { initialState } from './state.ts'

const hidden = input('hidden', 'float32', ['B', 'N', 'D'])
const attention = input('attention', 'float32', ['B', 'H', 'N', 'N'])
const missing = (): never => {
  throw new TpError('TP_NO_CLASS_TOKEN', 'compiler', 'the model has no class token')
}
const source: SiteSource = {
  layer: 3,
  layerCount: 6,
  hidden,
  query: missing,
  key: missing,
  value: missing,
  attention: () => attention,
  attentionFrom: missing,
  classToken: missing,
}
const state = initialState(hidden, cast(input('mask', 'int64', ['B', 'N']), 'bool'), [0])

function errorOf(method: Method): TpError | undefined {
  try {
    reduceTokens({ method, source, state, amount: { kind: 'ratio', value: 0.5 } })
  } catch (error) {
    if (isTpError(error)) return error
    throw error
  }
  return undefined
}

function choosing(reduce: (site: Site) => unknown, more: Partial<Method> = {}): Method {
  return { name: 'div-prune', family: 'attention', reduce: reduce as Method['reduce'], ...more }
}

function scoring(score: (site: Site) => unknown): Method {
  return scorer({ name: 'div-prune', family: 'attention', score: score as (site: Site) => Tensor })
}

function keeping(more: (site: Site) => object): Method {
  return choosing((site) => ({ keep: site.budget?.select(site.received), ...more(site) }))
}

const oops = new RangeError('no such axis')
const wrong: readonly (readonly [what: string, method: Method, message: string])[] = [
  [
    'throws',
    choosing(() => {
      throw oops
    }),
    'reduce at layer 3 throws RangeError: no such axis',
  ],
  [
    'throws something other than an error',
    choosing(() => {
      throw 'nothing'
    }),
    'reduce at layer 3 throws nothing',
  ],
  [
    'builds an expression whose shapes do not fit',
    scoring((site) => gather(site.received, 1, 5)),
    'reduce at layer 3 throws [core] axis 5 is outside float32[B,N]',
  ],
  ['returns nothing', choosing(() => undefined), 'reduce returns undefined; it must return { keep }, bool [B,N]'],
  ['returns a promise', choosing(async () => ({})), 'reduce returns a promise; it must build its expressions at once'],
  ['returns no keep', choosing(() => ({})), 'keep is undefined; must be a tensor, bool [B,N]'],
  ['returns keep as text', choosing(() => ({ keep: 'all' })), 'keep is "all"; must be a tensor, bool [B,N]'],
  [
    'returns numbers as keep',
    choosing((site) => ({ keep: site.received })),
    'keep is float32[B,N]; must be bool [B,N]',
  ],
  [
    'returns keep with an axis too many',
    choosing((site) => ({ keep: unsqueeze(site.attended, 2) })),
    'keep is bool[B,N,1]; must be bool [B,N]',
  ],
  [
    'gives a score with an axis too many',
    scoring((site) => unsqueeze(site.received, 2)),
    'score is float32[B,N,1]; must be [B,N]',
  ],
  ['gives a score for each example', scoring((site) => sum(site.received, 1)), 'score is float32[B]; must be [B,N]'],
  ['gives a score for each head', scoring((site) => mean(site.attention, 2)), 'score is float32[B,H,N]; must be [B,N]'],
  ['gives no score', scoring(() => undefined), 'score is undefined; must be a tensor, [B,N]'],
  ['gives a number as score', scoring(() => 5), 'score is 5; must be a tensor, [B,N]'],
  ['gives truth as score', scoring((site) => site.attended), 'score is bool[B,N]; must be a number, [B,N]'],
  [
    'merges into tokens of an axis too many',
    keeping((site) => ({ into: unsqueeze(site.index, 2) })),
    'into is float32[B,N,1]; must be [B,N] or [B,N,N]',
  ],
  [
    'weighs examples',
    keeping((site) => ({ into: site.index, weight: site.count })),
    'weight is float32[B]; must be [B,N]',
  ],
  [
    'has masses of examples',
    keeping((site) => ({ into: site.index, mass: site.count })),
    'mass is float32[B]; must be [B,N]',
  ],
  ['orders examples', keeping((site) => ({ order: site.count })), 'order is float32[B]; must be [B,N]'],
  [
    'merges in an unknown way',
    keeping((site) => ({ into: site.index, merge: 'max' })),
    'merge is "max"; must be mean, sum or norm',
  ],
  [
    'carries what it does not declare',
    keeping((site) => ({ carry: { x: site.received } })),
    "carries x, which it does not declare; add it to the method's carry",
  ],
  [
    'carries another shape than it declares',
    choosing((site) => ({ keep: site.attended, carry: { x: site.count } }), { carry: { x: { dims: ['N'], init: 0 } } }),
    'carry.x is float32[B]; must be [B,N]',
  ],
]

describe('TP_METHOD names a method that', () => {
  test.each(wrong)('%s', (_what, method, message) => {
    const error = errorOf(method)
    expect(error?.code).toBe('TP_METHOD')
    expect(error?.message).toBe(`[plugin div-prune] ${message}`)
  })
})

test('keeps the error of the method as the cause', () => {
  const method = choosing(() => {
    throw oops
  })
  expect(errorOf(method)?.cause).toBe(oops)
})

test('reports what the model cannot give as the model’s refusal', () => {
  expect(errorOf(scoring((site) => mean(site.clsAttention, 1)))?.code).toBe('TP_NO_CLASS_TOKEN')
})

test('passes on a method’s refusal with a code unchanged', () => {
  const refusing = choosing(() => {
    throw new TpError('TP_SCHEDULE', 'div-prune', 'give keep')
  })
  expect(errorOf(refusing)?.message).toBe('[div-prune] give keep')
})

test('matches an unknown size with any size', () => {
  const method = choosing(
    (site): Reduction => ({ keep: greater(input('k', 'float32', ['B', '?9']), 0), ...site.param }),
  )
  expect(errorOf(method)).toBeUndefined()
})

describe('TP_METHOD names a method that learns and', () => {
  const softening = (soften: unknown): (() => unknown) => {
    const method = { ...choosing((site) => ({ keep: site.attended })), training: { soften } } as Method
    const inputs = { noise: missing, saliency: missing, ratio: missing }
    return () => softenTokens({ method, source, state, params: {}, inputs })
  }

  test('throws', () => {
    expect(
      softening(() => {
        throw oops
      }),
    ).toThrow('[plugin div-prune] soften at layer 3 throws RangeError: no such axis')
  })

  test('does not say how much of each token is kept', () => {
    expect(softening(() => undefined)).toThrow('[plugin div-prune] soften returns undefined; it must return { kept }')
    expect(softening((site: Site) => ({ kept: site.count }))).toThrow(
      '[plugin div-prune] kept is float32[B]; must be [B,N]',
    )
  })
})
