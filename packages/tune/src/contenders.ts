import type { Method } from '@tp/core'
import { mean, quantile } from 'simple-statistics'
import type { NamedVariant } from './candidate.ts'
import { type LatencyTable, segmentMs } from './latency-table.ts'
import { cutTimes, type LatencySubject, latencyTable } from './measure-latency.ts'
import type { Measurer } from './measurer.ts'
import type { Shape, TuneOptions } from './options.ts'
import { type Costs, type Shares, spentMs } from './search.ts'

/** A variant with what its schedules cost on the device. */
export interface Contender {
  readonly variant: NamedVariant
  readonly costs: Costs
  /** Milliseconds per example with a schedule, mean over the shapes. */
  readonly msOf: (shares: Shares) => number
}

export interface ContenderSearch extends Pick<TuneOptions, 'model' | 'inputs'> {
  readonly measurer: Measurer
  readonly device: TuneOptions['runtime']
  readonly sites: readonly number[]
  readonly variants: readonly NamedVariant[]
  readonly shapes: readonly Shape[]
  /** Tokens of every input, if inputs have one length only. */
  readonly fixedTokens: number | undefined
}

/** Times the model's segments on the device, and each variant's selection of tokens. */
export async function contendersOf(search: ContenderSearch): Promise<Contender[]> {
  const { measurer, variants, sites, shapes, fixedTokens } = search
  const batches = [...new Set(shapes.map(({ batch }) => batch))]
  const places = [...new Set(variants.map(({ method }) => placeOf(method)))]
  const lengths = lengthsOf(search)
  const subjects = new Map<string, LatencySubject>()
  const tables = new Map<string, LatencyTable>()
  measurer.begin('latency', batches.length * (places.length * (sites.length + 1) + variants.length))
  for (const site of places) {
    for (const batch of batches) {
      const subject: LatencySubject = { ...search, site, batch, lengths }
      subjects.set(`${site} ${batch}`, subject)
      tables.set(`${site} ${batch}`, await latencyTable(measurer, subject))
    }
  }
  const overShapes = (ms: (batch: number, tokens: number) => number): number =>
    mean(shapes.map(({ batch, tokens = fixedTokens ?? 1 }) => ms(batch, tokens) / batch))
  const found: Contender[] = []
  for (const variant of variants) {
    const { method, name } = variant
    const table = (batch: number): LatencyTable => tables.get(`${placeOf(method)} ${batch}`) as LatencyTable
    const choosing = new Map<number, LatencyTable>()
    for (const batch of batches) {
      const subject = subjects.get(`${placeOf(method)} ${batch}`) as LatencySubject
      choosing.set(batch, { batch, tokens: lengths, segments: [await cutTimes(measurer, subject, method, name)] })
    }
    const costs: Costs = {
      ms: (site, share) => overShapes((batch, n) => segmentMs(table(batch), site + 1, Math.ceil(share * n))),
      cutMs: (_, share) =>
        overShapes((batch, n) => segmentMs(choosing.get(batch) as LatencyTable, 0, Math.ceil(share * n))),
    }
    const head = overShapes((batch, n) => segmentMs(table(batch), 0, n))
    found.push({ variant, costs, msOf: (shares) => head + spentMs(costs, shares) })
  }
  return found
}

function placeOf({ site = 'attention' }: Method): NonNullable<Method['site']> {
  return site
}

/** Token counts that are timed: powers of 2 from 8 on, and the longest example. */
function lengthsOf({ inputs, fixedTokens }: Pick<ContenderSearch, 'inputs' | 'fixedTokens'>): number[] {
  if (inputs.lengths === undefined) return [fixedTokens as number]
  const most = Math.max(...inputs.lengths)
  const powers: number[] = []
  for (let length = 8; length < most; length *= 2) powers.push(length)
  return [...powers, most]
}

/** One by one, at lengths that represent those of the examples. */
export function usualShapes({ lengths }: Pick<TuneOptions['inputs'], 'lengths'>): Shape[] {
  if (lengths === undefined) return [{ batch: 1 }]
  const parts = Array.from({ length: 12 }, (_, i) => (i + 0.5) / 12)
  return parts.map((part) => ({ batch: 1, tokens: Math.round(quantile([...lengths], part)) }))
}
