import { timeInTurns } from '@tp/compare'
import type { NamedTensors, Session } from '@tp/core/runtime'
import { figureInterval, type Speedup } from '@tp/metrics'

/** Examples are timed in this number of parts, whose variation the interval is made of. */
const PARTS = 20

/**
 * Times examples once on each session, in turns: for sessions that take longer for some examples than for others of the
 * same length. How many times as fast as the first of them, all examples together.
 */
export async function timeOnEach(
  sessions: Readonly<Record<string, Session>>,
  feedsOf: (row: number) => Promise<NamedTensors>,
  rows: readonly number[],
  onProgress: (part: number, parts: number) => void,
): Promise<Record<string, Speedup>> {
  const totals = Object.keys(sessions).map((): number[] => [])
  for (let part = 0; part < PARTS; part++) {
    onProgress(part + 1, PARTS)
    const feeds = await Promise.all(rows.filter((_, i) => i % PARTS === part).map(feedsOf))
    const { latencies } = await timeInTurns(Object.values(sessions), feeds, { rounds: 1 })
    for (const [i, { totalMs }] of latencies.entries()) totals[i]?.push(totalMs)
  }
  const [whole = []] = totals
  const speedups = Object.keys(sessions).map((name, i): [string, Speedup] => {
    const { estimate, low, high } = figureInterval({ got: whole, of: totals[i] ?? [] })
    return [name, { value: estimate, low, high }]
  })
  return Object.fromEntries(speedups)
}
