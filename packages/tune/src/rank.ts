import type { Session } from '@tp/core'
import { comparePaired } from '@tp/eval'
import type { Candidate } from './candidates.ts'
import type { Shape } from './options.ts'
import { scheduleOf } from './pruning.ts'
import type { Timed } from './regimes.ts'
import { timedInputs } from './timed-inputs.ts'

export interface Ranking extends Timed {
  readonly sites: readonly number[]
  readonly shapes: readonly Shape[]
}

/** So many are timed; the others are expected to be slower by more than the expectation errs. */
const RANKED = 4

/** Shapes that they are timed at, of all that count. */
const SHAPES = 4

/** The first candidates in the order of their times on the device, measured in turns; behind them the others as they were. */
export async function ranked(
  { measurer, model, inputs, device, sites, shapes }: Ranking,
  candidates: readonly Candidate[],
): Promise<Candidate[]> {
  const first = candidates.slice(0, RANKED)
  if (first.length < 2) return [...candidates]
  const names = first.map(({ contestant, shares }) => `${contestant.name} ${shares.join(' ')}`)
  const times = await measurer.measure(`times ${device.name} ${names.join(', ')}`, async () => {
    const sessions: Record<string, Session> = {}
    try {
      for (const [i, { contestant, shares }] of first.entries()) {
        sessions[names[i] as string] = await measurer.load(device, model, contestant.method, scheduleOf(sites, shares))
      }
      const some = shapes.filter((_, i) => i % Math.ceil(shapes.length / SHAPES) === 0)
      const feeds = await Promise.all(some.map((shape) => timedInputs(inputs, shape)))
      const { variants } = await comparePaired(sessions, feeds, { rounds: 40, budgetMs: 10_000 })
      return names.map((name) => 1 / (variants[name]?.speedup.value as number))
    } finally {
      for (const session of Object.values(sessions)) await session.dispose()
    }
  })
  const order = first.map((candidate, i) => ({ candidate, time: times[i] as number })).sort((a, b) => a.time - b.time)
  return [...order.map(({ candidate }) => candidate), ...candidates.slice(RANKED)]
}
