import type { Method } from '@tp/core'
import { mean, quantile } from 'simple-statistics'
import { type LatencyTable, segmentMs } from './latency-table.ts'
import { type Answering, denseAnswers, divergence } from './measure-answers.ts'
import { cutTimes, type LatencySubject, latencyTable } from './measure-latency.ts'
import type { Contestant, Shape, TuneOptions } from './options.ts'
import { scheduleOf } from './pruning.ts'
import { expected, front, hull, type Path, type SearchSpace, type Shares } from './search.ts'
import type { Split } from './split.ts'

/** A contestant as it can be run. */
export interface Named extends Contestant {
  readonly method: Method
  /** With its options, if it has any: `ats`, `tome {"metric":"keys"}`. */
  readonly name: string
}

/** A schedule of a contestant, and what is expected of it. */
export interface Candidate extends Path {
  readonly contestant: Named
}

export interface CandidateSearch extends Answering, Pick<TuneOptions, 'inputs'> {
  readonly device: TuneOptions['runtime']
  readonly sites: readonly number[]
  readonly contestants: readonly Named[]
  readonly look: Split['look']
  readonly shapes: readonly Shape[]
  /** Tokens of every input, where inputs have one length only. */
  readonly fixedTokens: number | undefined
}

/** Shares of the tokens that each site is tried with. */
const TRIED = [0.8, 0.5, 0.25, 0.1] as const

/** Shares that schedules are made of. */
const LEVELS = [...Array.from({ length: 19 }, (_, i) => 1 - i / 20), 0.07, 0.05, 0.03, 0.02]

/** The schedules of a contestant that are worth trying. */
export interface Prospects {
  /** On the hull of expected time and divergence, the fastest first; the last one prunes nothing. */
  readonly hull: readonly Candidate[]
  /** With one ratio at all sites, and at all but the first: what a careful user would try; the fastest first. */
  readonly uniform: readonly (readonly Candidate[])[]
  /** What is expected of any other schedule. */
  readonly expect: (shares: Shares) => Candidate
}

/** Ratios of the schedules that have one at each site. */
const RATIOS = Array.from({ length: 18 }, (_, i) => 0.95 - i / 20)

/** What each contestant promises. */
export async function prospectsOf(search: CandidateSearch): Promise<Prospects[]> {
  const { measurer, contestants, sites, shapes, look } = search
  const batches = [...new Set(shapes.map(({ batch }) => batch))]
  const places = [...new Set(contestants.map(({ method }) => placeOf(method)))]
  const subjects = new Map<string, LatencySubject>()
  const tables = new Map<string, LatencyTable>()
  measurer.begin('latency', batches.length * (places.length * (sites.length + 1) + contestants.length))
  for (const place of places) {
    for (const batch of batches) {
      const subject: LatencySubject = { ...search, place, batch, lengths: lengthsOf(search) }
      subjects.set(`${place} ${batch}`, subject)
      tables.set(`${place} ${batch}`, await latencyTable(measurer, subject))
    }
  }
  const choosing = new Map<string, readonly number[]>()
  for (const { method, name } of contestants) {
    for (const batch of batches) {
      const subject = subjects.get(`${placeOf(method)} ${batch}`) as LatencySubject
      choosing.set(`${name} ${batch}`, await cutTimes(measurer, subject, method, name))
    }
  }

  measurer.begin('sensitivity', contestants.length * sites.length * TRIED.length)
  const dense = await denseAnswers(search, 'look', look)
  const found: Prospects[] = []
  for (const contestant of contestants) {
    const { method, name } = contestant
    const losses: number[][] = []
    for (const [i, site] of sites.entries()) {
      const atSite: number[] = []
      for (const share of TRIED) {
        const schedule = scheduleOf([site], [share])
        atSite.push(await divergence(search, `${name} site ${i} ${share}`, { method, schedule }, look, dense))
      }
      losses.push(atSite)
    }
    const table = (batch: number): LatencyTable => tables.get(`${placeOf(method)} ${batch}`) as LatencyTable
    const lengths = lengthsOf(search)
    const overShapes = (ms: (batch: number, tokens: number) => number): number =>
      mean(shapes.map(({ batch, tokens = search.fixedTokens ?? 1 }) => ms(batch, tokens) / batch))
    const space: SearchSpace = {
      sites: sites.length,
      levels: LEVELS,
      loss: (site, share) => interpolated(losses[site] as readonly number[], share),
      ms: (site, share) => overShapes((batch, n) => segmentMs(table(batch), site + 1, Math.ceil(share * n))),
      cutMs: (_, share) =>
        overShapes((batch, n) => {
          const segments = [choosing.get(`${name} ${batch}`) as readonly number[]]
          return segmentMs({ batch, tokens: lengths, segments }, 0, Math.ceil(share * n))
        }),
    }
    const head = overShapes((batch, n) => segmentMs(table(batch), 0, n))
    const candidate = (path: Path): Candidate => ({ ...path, ms: path.ms + head, contestant })
    const expect = (shares: Shares): Candidate => candidate(expected(space, shares))
    found.push({
      hull: front(hull(space)).map(candidate),
      uniform: [0, 1]
        .filter((from) => from < sites.length)
        .map((from) =>
          RATIOS.map((ratio) => expect(equalRatios(sites.length, from, ratio))).sort((a, b) => a.ms - b.ms),
        ),
      expect,
    })
  }
  return found
}

/** What is left where each site from one on keeps a ratio of what arrives. */
function equalRatios(sites: number, from: number, ratio: number): Shares {
  return Array.from({ length: sites }, (_, site) => ratio ** Math.max(0, site - from + 1))
}

function placeOf({ place = 'attention' }: Method): NonNullable<Method['place']> {
  return place
}

/** Token counts that are timed: powers of 2 from 8 on, and the longest example. */
function lengthsOf({ inputs, fixedTokens }: Pick<CandidateSearch, 'inputs' | 'fixedTokens'>): number[] {
  if (inputs.lengths === undefined) return [fixedTokens as number]
  const most = Math.max(...inputs.lengths)
  const powers: number[] = []
  for (let length = 8; length < most; length *= 2) powers.push(length)
  return [...powers, most]
}

/** One by one, at lengths that stand for those of the examples. */
export function usualShapes({ lengths }: Pick<TuneOptions['inputs'], 'lengths'>): Shape[] {
  if (lengths === undefined) return [{ batch: 1 }]
  const parts = Array.from({ length: 12 }, (_, i) => (i + 0.5) / 12)
  return parts.map((part) => ({ batch: 1, tokens: Math.round(quantile([...lengths], part)) }))
}

/** The divergence at a share, between those that were tried; more for fewer tokens, whatever chance has said. */
function interpolated(tried: readonly number[], share: number): number {
  const points: [number, number][] = [[1, 0]]
  for (const [i, at] of TRIED.entries()) points.push([at, Math.max(points.at(-1)?.[1] as number, tried[i] as number)])
  const after = points.findIndex(([at]) => at <= share)
  const [[x1, y1], [x2, y2]] = (
    after < 0 ? points.slice(-2) : after === 0 ? [points[0], points[0]] : points.slice(after - 1, after + 1)
  ) as [[number, number], [number, number]]
  return x1 === x2 ? y1 : y1 + ((y2 - y1) * (share - x1)) / (x2 - x1)
}
