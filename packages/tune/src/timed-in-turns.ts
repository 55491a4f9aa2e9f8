import type { Session } from '@tp/core/runtime'
import { comparePaired } from '@tp/metrics'
import { byTime, type Candidate, pruningOf } from './candidate.ts'
import type { Shape } from './options.ts'
import type { Timed } from './regimes.ts'
import { timedInputs } from './timed-inputs.ts'

export interface InTurns extends Timed {
  readonly sites: readonly number[]
  readonly shapes: readonly Shape[]
}

/** The number that are timed, and held in memory at once. */
const TIMED = 4

/** The number of shapes at which they are timed. */
const SHAPES = 4

/** Candidates by expected time; the times of the first ones are measured, alternately. */
export async function timedInTurns(turns: InTurns, candidates: readonly Candidate[]): Promise<Candidate[]> {
  const expected = [...candidates].sort(byTime)
  const first = expected.slice(0, TIMED)
  const [reference] = first
  if (reference === undefined || first.length === 1) return expected
  const times = await relativeTimes(turns, first)
  const timed = first.map((candidate, i) => ({ ...candidate, ms: reference.ms * (times[i] as number) }))
  return [...timed, ...expected.slice(TIMED)]
}

/** Times as multiples of the first one's, measured alternately at some of the shapes. */
export async function relativeTimes(
  { measurer, model, inputs, device, sites, shapes }: InTurns,
  candidates: readonly Pick<Candidate, 'variant' | 'shares'>[],
): Promise<readonly number[]> {
  const names = candidates.map(({ variant, shares }) => `${variant.name} ${shares.join(' ')}`)
  const some = shapes.filter((_, i) => i % Math.ceil(shapes.length / SHAPES) === 0)
  const sizes = some.map(({ batch, tokens }) => (tokens === undefined ? `${batch}` : `${batch}x${tokens}`))
  return await measurer.measure(`times ${device.name} at ${sizes.join(' ')} ${names.join(', ')}`, async () => {
    const sessions: Record<string, Session> = {}
    try {
      for (const [i, candidate] of candidates.entries()) {
        sessions[names[i] as string] ??= await measurer.load(device, model, pruningOf(candidate, sites))
      }
      const feeds = await Promise.all(some.map((shape) => timedInputs(inputs, shape)))
      const { variants } = await comparePaired(sessions, feeds, { rounds: 40, budgetMs: 10_000 })
      return names.map((name) => 1 / (variants[name]?.speedup.value as number))
    } finally {
      for (const session of Object.values(sessions)) await session.dispose()
    }
  })
}
