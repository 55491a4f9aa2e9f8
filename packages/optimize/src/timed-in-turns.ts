import { timeInTurns, withSessions } from '@tp/compare'
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
    const distinct = [...new Set(names)]
    const open = distinct.map((name) => () => {
      const candidate = candidates[names.indexOf(name)] as (typeof candidates)[0]
      return measurer.load(device, model, pruningOf(candidate, sites))
    })
    return await withSessions(open, async (sessions) => {
      const feeds = await Promise.all(some.map((shape) => timedInputs(inputs, shape)))
      const { latencies } = await timeInTurns(sessions, feeds, { rounds: 40, budgetMs: 10_000 })
      return names.map((name) => 1 / (latencies[distinct.indexOf(name)]?.speedup.value as number))
    })
  })
}
