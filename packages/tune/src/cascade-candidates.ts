import { mean } from 'simple-statistics'
import { type Candidate, TIME_STEP, totalMs } from './candidate.ts'
import { answersOf, type Choice } from './candidate-answers.ts'
import { leastAgain } from './cascades.ts'
import { seemsWithin } from './loss.ts'

/** Of a row so many are passed over: what is run again changes slowly. */
const STRIDE = 3

/** So many in a row that are no faster, all in all, end a search. */
const NO_FASTER = 3

/**
 * Of schedules that do not hold by themselves, the fastest first, those from the slowest on with so many answers run again that they
 * hold: for each step of time, all in all, the one that loses least by the dense model's own belief. Ends where what is run again costs more
 * than is saved.
 */
export async function cascadesOf(
  choice: Choice,
  row: readonly Candidate[],
  denseMs: number,
): Promise<readonly Candidate[]> {
  const { dense, split } = choice
  const found = new Map<number, { readonly candidate: Candidate; readonly loss: number }>()
  let [least, noFaster] = [Number.POSITIVE_INFINITY, 0]
  for (let i = row.length - 1; i >= 0 && noFaster < NO_FASTER; i -= STRIDE) {
    const schedule = row[i] as Candidate
    const answers = await answersOf(choice, schedule, 'choose')
    const offered = leastAgain(dense.choose, answers, split.choose.targets, (losses) => seemsWithin(choice, losses))
    const before = least
    for (const { losses, ...again } of offered) {
      const candidate = { ...schedule, again: { ...again, ms: again.share * denseMs } }
      const loss = mean(losses.expected)
      const step = Math.floor(Math.log(totalMs(candidate)) / Math.log(TIME_STEP))
      if (loss < (found.get(step)?.loss ?? Number.POSITIVE_INFINITY)) found.set(step, { candidate, loss })
      least = Math.min(least, totalMs(candidate))
    }
    noFaster = least < before ? 0 : noFaster + 1
  }
  return [...found.values()].map(({ candidate }) => candidate).sort((a, b) => a.ms - b.ms)
}
