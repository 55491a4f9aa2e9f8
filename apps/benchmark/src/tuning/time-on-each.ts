import type { NamedTensors, Session } from '@tp/core/runtime'
import { type Comparison, comparePaired, figureInterval, type Speedup } from '@tp/metrics'

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
  const parts: Comparison[] = []
  for (let part = 0; part < PARTS; part++) {
    onProgress(part + 1, PARTS)
    const own = rows.filter((_, i) => i % PARTS === part)
    parts.push(await comparePaired(sessions, await Promise.all(own.map(feedsOf)), { rounds: 1 }))
  }
  const [first = ''] = Object.keys(sessions)
  const times = (name: string): number[] => parts.map(({ variants }) => variants[name]?.totalMs as number)
  const whole = times(first)
  const speedups = Object.keys(sessions).map((name): [string, Speedup] => {
    const own = times(name)
    const { estimate, low, high } = figureInterval({ got: whole, of: own })
    return [name, { value: estimate, low, high }]
  })
  return Object.fromEntries(speedups)
}
