import { isRefused, type QuantizeOptions } from '@tp/compiler'
import type { Interval, Speedup } from '@tp/metrics'
import { lossOf, seemsWithin } from '../judging/loss.ts'
import type { Skipped, Variant } from '../options.ts'
import { type Candidate, type ModelForm, pruningOf, unprunedVariant } from './candidate.ts'
import { type Common, pruned } from './pruning.ts'
import type { Search, Tests } from './search.ts'
import { timesInTurns } from './times.ts'

/** The effect of a form, or of leaving layers out, on a model that is not pruned. */
export interface AloneEffect {
  /** Times as fast as the dense model at the shapes, without padding that is dropped in any form. */
  readonly speedup: number
  /** Points lost on the choosing examples, as expected. */
  readonly loss: Interval
  /** Whether that is allowed; if not, nothing is pruned so, which could only lose more. */
  readonly holds: boolean
}

export interface FormsSearch extends Search {
  readonly pruning: Common
  /** Those that decide by themselves how many tokens are kept; the fastest that holds acts before all others. */
  readonly first: readonly Variant[]
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

/** 8 bits by token are tried alone where they take less than this part of the dense model's time. */
const CLEARLY_FASTER = 0.9

/** The part of the time in which 8 bits are judged that gain little over float32. Those that gain much are judged in all of it: nothing else gains as much for one test. */
const JUDGING = 0.15

/** A form that seems slower than the dense model by less than this may be faster: it is timed carefully in the end. */
const HARDLY_SLOWER = 1.1

/**
 * The fastest form of the model with every token but dead ones and padding that holds: in float32 or 8 bits, packed or not. All forms are timed in
 * turns. Packing does not change answers; 8 bits are judged by all choosing examples.
 */
export async function fastestForm(search: FormsSearch, tests: Tests): Promise<Forms> {
  const { timing, judge, quantize, packs } = search
  timing.measurer.begin('forms', 3)
  const first = await firstForm(search, tests)
  const packed = packs ? [{ ...first, pack: true } as const] : []
  const inEightBits = (options: QuantizeOptions): ModelForm[] => [
    { ...first, quantize: options },
    ...packed.map((form) => ({ ...form, quantize: options })),
  ]
  const timed = await timedForms(search, [first, ...(quantize === false ? [] : inEightBits(quantize)), ...packed])
  let base = (timed[0] as TimedForm).candidate
  const plainPace = first.before === undefined ? 1 : base.pace
  const isFast = timed.some(
    ({ form, candidate }) => form.quantize !== undefined && candidate.pace < CLEARLY_FASTER * plainPace,
  )
  if (quantize !== false && quantize.activations === undefined && !isFast) {
    // One scale for all tokens costs less, where scales for each are a large part: with few features.
    timed.push(...(await timedForms(search, inEightBits({ ...quantize, activations: 'tensor' }))))
  }
  let eightBits: AloneEffect | undefined
  const judged = new Set<string>()
  const exactPace = Math.min(
    ...timed.filter(({ form }) => form.quantize === undefined).map(({ candidate }) => candidate.pace),
  )
  const byPace = timed.filter(({ candidate }) => candidate.pace < HARDLY_SLOWER * plainPace)
  for (const { form, candidate } of byPace.sort((a, b) => a.candidate.pace - b.candidate.pace)) {
    let holds = true
    if (form.quantize !== undefined) {
      const isLever = candidate.pace < CLEARLY_FASTER * exactPace
      if (timing.measurer.isLate(isLever ? 1 : JUDGING)) continue
      // Packed or not, the answers are the same but for rounding: the faster of the two is judged.
      const options = JSON.stringify(form.quantize)
      if (judged.has(options)) continue
      judged.add(options)
      const losses = await judge.losses(candidate)
      holds = seemsWithin(search, losses)
      if (eightBits?.holds !== true)
        eightBits = { speedup: plainPace / candidate.pace, loss: lossOf(losses).expected, holds }
    }
    tests.add(candidate, holds)
    if (holds && candidate.pace < base.pace) base = candidate
  }
  return { base, eightBits }
}

/** The form that all others have, too: with the fastest of the methods that act first which holds, if that is faster than the model as it is. */
async function firstForm(search: FormsSearch, tests: Tests): Promise<ModelForm> {
  if (search.first.length === 0) return {}
  const timed = await timedForms(search, [{}, ...search.first.map(({ entry: before }) => ({ before }))])
  for (const { form, candidate } of timed.sort((a, b) => a.candidate.pace - b.candidate.pace)) {
    if (form.before === undefined) break
    const holds = seemsWithin(search, await search.judge.losses(candidate))
    tests.add(candidate, holds)
    if (holds) return form
  }
  return {}
}

interface TimedForm {
  readonly form: ModelForm
  readonly candidate: Candidate
}

/** The forms that the model can have, timed in turns. */
async function timedForms(search: FormsSearch, forms: readonly ModelForm[]): Promise<TimedForm[]> {
  const subjects = usable(search, forms).map((form) => ({ form, variant: unprunedVariant(form), shares: [] }))
  const speeds = subjects.length === 0 ? [] : await timesInTurns(search.timing, undefined, subjects)
  return subjects.map(({ form, variant }, i) => ({
    form,
    candidate: { variant, shares: [], pace: 1 / (speeds[i] as Speedup).value },
  }))
}

/** Forms that the model can have. @throws Refused if it cannot even stay as it is: then nothing can be done to it */
function usable({ timing, pruning, onSkipped }: FormsSearch, forms: readonly ModelForm[]): readonly ModelForm[] {
  return forms.filter((form) => {
    const variant = unprunedVariant(form)
    try {
      pruned(timing.model, pruningOf({ variant, shares: [] }), pruning)
      return true
    } catch (error) {
      if (!isRefused(error) || Object.keys(form).length === 0) throw error
      const { code, message } = error.refusal
      onSkipped({
        name: form.quantize === undefined ? variant.name.replace(/^none /, '') : 'in 8 bits',
        code,
        reason: message,
      })
      return false
    }
  })
}
