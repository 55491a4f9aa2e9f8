import type { Tensor } from '../expression/tensor.ts'
import type { Method } from '../method/method.ts'
import { checkOptions, type OptionSpecs } from '../method/options.ts'
import { scorer } from '../method/scorer.ts'
import type { Site } from '../method/site.ts'
import { add, cast, cumSum, mod, mul, unsqueeze } from '../ops/index.ts'

export interface RandomOptions {
  /** Whole number from 0; each makes another choice. Default 0. */
  readonly seed?: number
}

export const randomOptions: OptionSpecs = {
  seed: { type: 'integer', default: 0, min: 0, max: 1e9, description: 'each seed gives another choice' },
}

/** Largest prime below 2^24: float32 holds every residue, and a square is below 2^48. */
const MODULUS = 16777213
const ROUNDS = 5

/**
 * Keeps tokens at random: the control that every method has to beat. Use several seeds.
 *
 * The score is a hash of the token's ordinal among the example's real tokens, their number, the layer and the seed, in
 * integer arithmetic (x ← x² + c mod p), so the same tokens are kept on every runtime, however the example is batched
 * or padded.
 */
export function random(options: RandomOptions = {}): Method {
  checkOptions('random', randomOptions, options)
  const { seed = 0 } = options
  return scorer({ name: 'random', family: 'baseline', score: (site) => hash(site, seed) })
}

function hash(site: Site, seed: number): Tensor {
  const start = (seed * 7919 + site.layer * 104729 + 12345) % MODULUS
  const ordinal = cumSum(cast(site.attended, 'int64'), 1)
  const length = unsqueeze(cast(site.count, 'int64'), 1)
  let x = mod(add(add(mul(ordinal, 65537), mul(length, 257)), start), MODULUS)
  for (let round = 1; round <= ROUNDS; round++) x = mod(add(mul(x, x), start + round), MODULUS)
  return cast(x, 'float32')
}
