import type { QuantizeOptions } from '@tp/compiler'
import type { Interval } from '@tp/metrics'
import { mean } from '@tp/metrics'
import { type Candidate, unprunedVariant } from './candidate.ts'
import { type ChoiceOptions, lossesOn } from './candidate-answers.ts'
import type { Contender } from './contenders.ts'
import { divergencesOf } from './divergences.ts'
import type { Leavable } from './leavable.ts'
import { lossOf, seemsWithin } from './loss.ts'
import type { Losses } from './measure-answers.ts'
import { relativeTimes } from './timed-in-turns.ts'

/** The effect of leaving layers out of a model whose tokens are not pruned. */
export interface LeftOut {
  /** As many as may be, in float32; if none may, the one whose absence moves the answers least. */
  readonly layers: readonly number[]
  /** Times as fast as with all layers at the shapes. */
  readonly speedup: number
  /** Points lost on the examples for choosing. */
  readonly loss: Interval
  /** Whether that is allowed. */
  readonly holds: boolean
}

type Step = Pick<Candidate, 'variant' | 'shares'>

/**
 * Candidates without layers, and no token pruned, a row for each number format, the fastest first: one layer after another is left
 * out, each time the one whose absence moves the answers least, until they lose too much. Whether they pay is left to the comparison
 * with the others.
 * @param eightBits the model with all layers in 8 bits, if that holds
 */
export async function withFewerLayers(
  choice: ChoiceOptions,
  [contender]: readonly Contender[],
  eightBits: Candidate | undefined,
): Promise<{ readonly about: LeftOut; readonly rows: readonly (readonly Candidate[])[] } | undefined> {
  const { leavable } = choice
  if (leavable === undefined || contender === undefined) return undefined
  const steps: { readonly step: Step; readonly losses: Losses; readonly holds: boolean }[] = []
  let without = await oneMore(choice, leavable, [])
  for (;;) {
    const step = stepOf(choice, without)
    const losses = await lossesOn(choice, step, 'choose')
    const holds = seemsWithin(choice, losses)
    steps.push({ step, losses, holds })
    if (!holds || without.length >= leavable.most) break
    without = await oneMore(choice, leavable, without)
  }
  const held = steps.filter(({ holds }) => holds)
  const last = (held.at(-1) ?? steps[0]) as (typeof steps)[0]
  const float = held.map(({ step }) => step)
  const rounded: Step[] = []
  for (const { variant } of eightBits === undefined ? [] : float) {
    const step = stepOf(choice, variant.leaveOut, eightBits?.variant.quantize)
    if (!seemsWithin(choice, await lossesOn(choice, step, 'choose'))) break
    rounded.push(step)
  }
  const { expected, labeled = expected } = lossOf(last.losses)
  const about: LeftOut = {
    layers: last.step.variant.leaveOut ?? [],
    speedup: 1 / (await paceOf(choice, last.step)),
    loss: labeled,
    holds: last.holds,
  }
  // 8 bits alone move the answers less: a slower candidate would only be in their way, as those are verified from the slowest on.
  const slowest = eightBits?.ms ?? Number.POSITIVE_INFINITY
  const { denseMs } = contender
  const inFloat = (await timed(choice, float, denseMs)).filter(({ ms }) => ms < slowest)
  return { about, rows: [inFloat, await timed(choice, rounded, denseMs)] }
}

/** Those that are left out already, and the one more whose absence moves the answers least. No labels are used. */
async function oneMore(
  choice: ChoiceOptions,
  { layers }: Leavable,
  without: readonly number[],
): Promise<readonly number[]> {
  const others = layers.filter((layer) => !without.includes(layer))
  choice.measurer.begin('sensitivity', others.length)
  const tried: { readonly more: readonly number[]; readonly moved: number }[] = []
  for (const layer of others) {
    const more = [...without, layer].sort((a, b) => a - b)
    tried.push({ more, moved: mean(await divergencesOf(choice, stepOf(choice, more))) })
  }
  tried.sort((a, b) => a.moved - b.moved)
  return tried[0]?.more ?? without
}

function stepOf({ sites }: ChoiceOptions, leaveOut: readonly number[] | undefined, quantize?: QuantizeOptions): Step {
  return { variant: unprunedVariant({ leaveOut, quantize }), shares: sites.map(() => 1) }
}

/** The fastest first. */
async function timed(choice: ChoiceOptions, steps: readonly Step[], denseMs: number): Promise<Candidate[]> {
  const row: Candidate[] = []
  for (const step of steps) row.unshift({ ...step, ms: denseMs * (await paceOf(choice, step)) })
  return row
}

/** Time as a multiple of that of the whole model in float32. */
async function paceOf(choice: ChoiceOptions, step: Step): Promise<number> {
  const [, pace] = await relativeTimes(choice, [stepOf(choice, undefined), step])
  return pace as number
}
