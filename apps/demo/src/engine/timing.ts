import type { NamedTensors, Session } from '@tp/core/runtime'

/** Times of single runs in ms; the i-th of each were taken one right after the other. */
export interface RunTimes {
  readonly dense: readonly number[]
  readonly pruned: readonly number[]
}

/** How many times as fast the pruned model was, by round. */
export function ratiosOf({ dense, pruned }: RunTimes): number[] {
  return dense.map((ms, i) => ms / (pruned[i] as number))
}

const MOST_ROUNDS = 30
const FEWEST_ROUNDS = 9
const BUDGET_MS = 5000

/** Runs both models in turns, so that whatever slows the machine for a while slows both. Tells the times after each round. */
export async function timeInTurns(
  sessions: { readonly dense: Session; readonly pruned: Session },
  feeds: NamedTensors,
  onRound: (times: RunTimes) => void,
  signal: AbortSignal,
): Promise<void> {
  const times = { dense: [] as number[], pruned: [] as number[] }
  for (const session of Object.values(sessions)) await session.run(feeds, { signal })
  const start = performance.now()
  for (let round = 0; round < MOST_ROUNDS; round++) {
    if (round >= FEWEST_ROUNDS && performance.now() - start > BUDGET_MS) break
    const order = round % 2 === 0 ? (['dense', 'pruned'] as const) : (['pruned', 'dense'] as const)
    for (const name of order) {
      const runStart = performance.now()
      await sessions[name].run(feeds, { signal })
      times[name].push(performance.now() - runStart)
    }
    onRound({ dense: [...times.dense], pruned: [...times.pruned] })
  }
}
