import { mean } from '@tp/metrics'
import { type Candidate, TIME_STEP, totalMs } from './candidate.ts'
import { answersOf, type ChoiceOptions } from './candidate-answers.ts'
import { leastFallbacks } from './cascades.ts'
import { seemsWithin } from './loss.ts'

/** Schedules skipped at each step along a row: fallbacks change slowly. */
const STRIDE = 3

/** This many in succession without a faster total time end a search. */
const NO_FASTER = 3

/**
 * For schedules that lose too much alone, the fastest first: from the slowest on, the same with as many fallbacks as it takes to
 * hold. For each step of total time the one with the least expected loss is kept. Ends where fallbacks cost more than pruning
 * saves.
 */
export async function cascadesOf(
  choice: ChoiceOptions,
  row: readonly Candidate[],
  denseMs: number,
): Promise<readonly Candidate[]> {
  const { dense, split } = choice
  const found = new Map<number, { readonly candidate: Candidate; readonly loss: number }>()
  let [least, noFaster] = [Number.POSITIVE_INFINITY, 0]
  for (let i = row.length - 1; i >= 0 && noFaster < NO_FASTER; i -= STRIDE) {
    const schedule = row[i] as Candidate
    const answers = await answersOf(choice, schedule, 'choose')
    const offered = leastFallbacks(dense.choose, answers, split.choose.targets, (losses) => seemsWithin(choice, losses))
    const before = least
    for (const { losses, ...fallback } of offered) {
      const candidate = { ...schedule, fallback: { ...fallback, ms: fallback.share * denseMs } }
      const loss = mean(losses.expected)
      const step = Math.floor(Math.log(totalMs(candidate)) / Math.log(TIME_STEP))
      if (loss < (found.get(step)?.loss ?? Number.POSITIVE_INFINITY)) found.set(step, { candidate, loss })
      least = Math.min(least, totalMs(candidate))
    }
    noFaster = least < before ? 0 : noFaster + 1
  }
  return [...found.values()].map(({ candidate }) => candidate).sort((a, b) => a.ms - b.ms)
}
