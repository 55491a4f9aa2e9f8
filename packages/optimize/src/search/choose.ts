import type { Interval, Speedup } from '@tp/metrics'
import { isContradicted, type Loss, lossOf } from '../judging/loss.ts'
import { verifyInSequence } from '../judging/verify.ts'
import { byTime, type Candidate, isWhole, totalPace } from './candidate.ts'
import { fastestConfirmed, type TimedDivergence } from './frontier.ts'
import type { Search, Tested, Tests } from './search.ts'
import { timesInTurns } from './times.ts'

export interface Chosen {
  readonly candidate: Candidate
  /** Times as fast as the dense model at the shapes, with fallbacks. */
  readonly speedup: Interval
  /** On the examples that chose it, or on those that confirm it, which chose nothing. */
  readonly loss: Loss
  readonly confirmed: boolean
  readonly examples: number
  /** Faster candidates that lost more than is allowed on the examples that confirm. */
  readonly rejected: number
}

/** Candidates that are timed carefully: the fastest, and those that are at most so much slower; only the fastest, where the search could not afford its batches. */
const TIMED = { most: 3, slower: 1.08 } as const

/** A pruned model may lose something, so it must be faster than an unpruned one by this factor. */
const WORTH_IT = 1.02

/**
 * Of the candidates that were tested, the fastest that holds on the frontier of time and divergence. The fastest are timed once more,
 * carefully, all in turns with the dense model. Where examples are left to confirm, its loss is measured on these; if that is more than is
 * allowed, the next safer candidate is taken. For a confident bound candidates are verified on them in sequence.
 * @returns undefined if nothing that holds is faster than the dense model
 */
export async function choose(search: Search, tests: Tests): Promise<Chosen | undefined> {
  const { judge, confident, maxLoss } = search
  const { tested, speeds } = await timedCarefully(search, tests)
  const holding = tested.flatMap(({ candidate, holds }) => (holds ? [candidate] : [])).sort(byTime)
  const whole = holding.find(isWhole)
  const limit = Math.min(1, whole === undefined ? 1 : totalPace(whole)) / WORTH_IT
  const worth = holding.filter((own) => (own === whole ? totalPace(own) < 1 / WORTH_IT : totalPace(own) <= limit))
  if (worth.length === 0) return undefined
  if (confident) {
    const found = await verifyInSequence(maxLoss, worth, (candidate) => judge.losses(candidate, 'confirm'))
    return found && { ...(await chosen(search, found.candidate, found.loss, true, speeds)), rejected: 0 }
  }
  const measured: TimedDivergence<Candidate>[] = []
  for (const { candidate, holds } of tested) {
    if (holds && !worth.includes(candidate)) continue
    // Those that failed after a few examples have answered no others.
    const divergence = await judge.divergence(candidate)
    measured.push({ candidate, ms: totalPace(candidate), divergence })
  }
  const confirmed = judge.examples('confirm') > 0
  const lossAgain = async (candidate: Candidate): Promise<Loss> =>
    lossOf(await judge.losses(candidate, confirmed ? 'confirm' : 'choosing'))
  const found = await fastestConfirmed(
    measured,
    async (candidate) => worth.includes(candidate),
    async (candidate) => {
      if (!confirmed) return true
      const loss = await lossAgain(candidate)
      return loss.expected.estimate <= maxLoss && !isContradicted(maxLoss, loss)
    },
  )
  if (found === undefined) return undefined
  const { candidate, rejected } = found
  return { ...(await chosen(search, candidate, await lossAgain(candidate), confirmed, speeds)), rejected }
}

async function chosen(
  search: Search,
  candidate: Candidate,
  loss: Loss,
  confirmed: boolean,
  speeds: Speeds,
): Promise<Omit<Chosen, 'rejected'>> {
  const speed = speeds.get(candidate) ?? (await timesInTurns(search.timing, undefined, [candidate], true))[0]
  const share = candidate.fallback?.share ?? 0
  const withFallback = (factor = 1): number => 1 / (1 / factor + share)
  return {
    ...{ candidate, loss, confirmed },
    examples: search.judge.examples(confirmed ? 'confirm' : 'choosing'),
    speedup: {
      estimate: withFallback(speed?.value),
      low: withFallback(speed?.low),
      high: withFallback(speed?.high),
    },
  }
}

/** How fast candidates are that were timed carefully. */
type Speeds = ReadonlyMap<Candidate, Speedup | undefined>

/** Tested candidates with measured times of the fastest that hold; the others' in proportion. */
async function timedCarefully(
  { timing }: Search,
  tests: Tests,
): Promise<{ readonly tested: readonly Tested[]; readonly speeds: Speeds }> {
  const holding = tests.all.flatMap(({ candidate, holds }) => (holds ? [candidate] : [])).sort(byTime)
  const [fastest] = holding
  if (fastest === undefined) return { tested: [], speeds: new Map() }
  const most = timing.quickFeeds === timing.feeds ? TIMED.most : 1
  const near = holding.filter((own) => totalPace(own) <= TIMED.slower * totalPace(fastest)).slice(0, most)
  const found = await timesInTurns(timing, undefined, near, true)
  const drift = 1 / (found[0]?.value ?? 1) / fastest.pace
  const speeds = new Map<Candidate, Speedup | undefined>()
  const tested = tests.all.map(({ candidate, holds }) => {
    const speed = found[near.indexOf(candidate)]
    const timed = { ...candidate, pace: speed === undefined ? drift * candidate.pace : 1 / speed.value }
    if (speed !== undefined) speeds.set(timed, speed)
    return { candidate: timed, holds }
  })
  return { tested, speeds }
}
