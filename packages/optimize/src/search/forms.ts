import { isRefused, type QuantizeOptions } from '@tp/compiler'
import type { Interval, Speedup } from '@tp/metrics'
import { lossOf, seemsWithin } from '../judging/loss.ts'
import type { Skipped } from '../options.ts'
import { type Candidate, inForm, type ModelForm, pruningOf, unprunedVariant } from './candidate.ts'
import { type Common, pruned } from './pruning.ts'
import type { Search, Tests } from './search.ts'
import { timesInTurns } from './times.ts'

/** The effect of a form, or of leaving layers out, on a model that is not pruned. */
export interface AloneEffect {
  /** Times as fast as the dense model at the shapes. */
  readonly speedup: number
  /** Points lost on the choosing examples, as expected. */
  readonly loss: Interval
  /** Whether that is allowed; if not, nothing is pruned so, which could only lose more. */
  readonly holds: boolean
}

export interface FormsSearch extends Search {
  readonly pruning: Common
  /** Options of 8 bits; false: float32 only. */
  readonly quantize: QuantizeOptions | false
  /** Whether the device runs packed models. */
  readonly packs: boolean
  readonly onSkipped: (skipped: Skipped) => void
}

export interface Forms {
  /** The model with every token in the fastest form that holds: pruning starts from it. */
  readonly base: Candidate
  readonly eightBits: AloneEffect | undefined
}

/** A form that seems slower than the dense model by less than this may be faster: it is timed carefully in the end. */
const HARDLY_SLOWER = 1.1

/**
 * The fastest form of the model with every token that holds: in float32 or 8 bits, packed or not. All forms are timed in turns. Packing
 * does not change answers; 8 bits are judged by all choosing examples.
 */
export async function fastestForm(search: FormsSearch, tests: Tests): Promise<Forms> {
  const { timing, sites, judge, quantize, packs } = search
  const shares = sites.sites.map(() => 1)
  const eight = quantize === false ? [] : [{ quantize }]
  const packed = packs ? [{ pack: true } as const] : []
  const both = eight.flatMap((form) => packed.map((own) => ({ ...form, ...own })))
  const forms = usable(search, [...eight, ...packed, ...both])
  const subjects = forms.map((form) => ({ form, variant: inForm(unprunedVariant({}), form), shares }))
  timing.measurer.begin('forms', 1 + forms.length)
  const speeds = subjects.length === 0 ? [] : await timesInTurns(timing, undefined, subjects)
  const timed = subjects.map(({ form, variant }, i) => ({
    form,
    candidate: { variant, shares, pace: 1 / (speeds[i] as Speedup).value },
  }))
  let base: Candidate = { variant: unprunedVariant({}), shares, pace: 1 }
  let eightBits: AloneEffect | undefined
  const byPace = timed.filter(({ candidate }) => candidate.pace < HARDLY_SLOWER)
  for (const { form, candidate } of byPace.sort((a, b) => a.candidate.pace - b.candidate.pace)) {
    let holds = true
    if (form.quantize !== undefined) {
      // Packed or not, the answers are the same but for rounding.
      if (eightBits?.holds === false) continue
      const losses = await judge.losses(candidate)
      holds = seemsWithin(search, losses)
      eightBits ??= { speedup: 1 / candidate.pace, loss: lossOf(losses).expected, holds }
    }
    tests.add(candidate, holds)
    if (holds && candidate.pace < base.pace) base = candidate
  }
  return { base, eightBits }
}

/** Forms that the model can have. */
function usable({ timing, sites, pruning, onSkipped }: FormsSearch, forms: readonly ModelForm[]): readonly ModelForm[] {
  const shares = sites.sites.map(() => 1)
  return forms.filter((form) => {
    const variant = inForm(unprunedVariant({}), form)
    try {
      pruned(timing.model, pruningOf({ variant, shares }, sites.sites), pruning)
      return true
    } catch (error) {
      if (!isRefused(error)) throw error
      const { code, message } = error.refusal
      onSkipped({ name: variant.name.replace(/^none /, ''), code, reason: message })
      return false
    }
  })
}
