import type { QuantizeOptions } from '@tp/compiler'
import type { Interval } from '@tp/metrics'
import { type Candidate, eightBitsName, type NamedVariant, unprunedVariant } from './candidate.ts'
import { type ChoiceOptions, lossesOn } from './candidate-answers.ts'
import type { Contender } from './contenders.ts'
import { lossOf, seemsWithin } from './loss.ts'

/** The effect of 8-bit weights on a model that is not pruned. */
export interface EightBits {
  /** Times as fast as float32 at the shapes. */
  readonly speedup: number
  /** Points lost on the examples for choosing. */
  readonly loss: Interval
  /** Whether that is allowed; if not, nothing is pruned in 8 bits, which could only lose more. */
  readonly holds: boolean
}

/** The variants, each also with 8-bit weights. */
export function inBothForms(variants: readonly NamedVariant[], quantize: QuantizeOptions | undefined): NamedVariant[] {
  if (quantize === undefined) return [...variants]
  return [
    ...variants,
    ...variants.map((variant) => ({ ...variant, quantize, name: `${variant.name}${eightBitsName(quantize)}` })),
  ]
}

/** 8 bits without pruning: a candidate of its own. Whether they pay is left to the comparison at equal time. */
export async function eightBitsAlone(
  choice: ChoiceOptions,
  contenders: readonly Contender[],
): Promise<{ readonly about: EightBits; readonly candidate: Candidate } | undefined> {
  const contender = contenders.find(({ variant }) => variant.quantize !== undefined)
  if (contender === undefined) return undefined
  const variant = unprunedVariant(contender.variant)
  const shares = choice.sites.map(() => 1)
  const candidate: Candidate = { variant, shares, ms: contender.msOf(shares) }
  const losses = await lossesOn(choice, candidate, 'choose')
  const speedup = contender.denseMs / candidate.ms
  const { expected, labeled = expected } = lossOf(losses)
  return { about: { speedup, loss: labeled, holds: seemsWithin(choice, losses) }, candidate }
}
