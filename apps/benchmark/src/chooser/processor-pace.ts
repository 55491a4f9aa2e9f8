import { processorMs } from '@tp/compare'
import type { NamedTensors, Session } from '@tp/core/runtime'
import { quantile } from '@tp/metrics'

/** Processor time in ms that is spent on a comparison, at least, and the fewest and most rounds of it. */
const [SPENT, FEWEST, MOST] = [400, 5, 60]

/**
 * Processor time of a model relative to the dense one's, both on one thread and in turns: of each input the lower quartile over rounds, sums
 * over inputs. Interruptions, other work in the caches and other threads of the process only ever add to a time, so that lower quartiles repeat better
 * than medians on a busy machine.
 */
export async function processorPace(session: Session, dense: Session, feeds: readonly NamedTensors[]): Promise<number> {
  const times = feeds.map(() => ({ own: [] as number[], dense: [] as number[] }))
  const start = processorMs()
  for (let round = 0; round <= MOST; round++) {
    if (round > FEWEST && processorMs() - start > SPENT) break
    for (const [i, inputs] of feeds.entries()) {
      const turns = [
        { name: 'own', session },
        { name: 'dense', session: dense },
      ] as const
      for (const turn of (round + i) % 2 === 0 ? turns : turns.toReversed()) {
        const before = processorMs()
        await turn.session.run(inputs)
        // The first round warms up.
        if (round > 0) times[i]?.[turn.name].push(processorMs() - before)
      }
    }
  }
  const total = (name: 'own' | 'dense'): number => times.reduce((sum, own) => sum + quantile(own[name], 0.25), 0)
  return total('own') / total('dense')
}
