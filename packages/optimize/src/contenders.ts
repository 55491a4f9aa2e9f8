import type { Method } from '@tp/core'
import { leastRatioAt } from '@tp/core/host'
import { mean, quantile } from '@tp/metrics'
import { eightBitsName, type NamedVariant } from './candidate.ts'
import { type LatencyTable, segmentMs } from './latency-table.ts'
import { cutTimes, type LatencySubject, latencyTable } from './measure-latency.ts'
import type { Measurer } from './measurer.ts'
import type { Shape, TuneOptions } from './options.ts'
import { type Costs, type Shares, spentMs } from './search.ts'

/** A variant with what its schedules cost on the device. */
export interface Contender {
  readonly variant: NamedVariant
  readonly costs: Costs
  /** Of the tokens that arrive at a site, the least share that it can keep at any: half where they are merged in pairs. */
  readonly leastRatio: number
  /** Milliseconds per example with a schedule, mean over the shapes. */
  readonly msOf: (shares: Shares) => number
  /** Those of the model as it is: unpruned, in float32. */
  readonly denseMs: number
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
  const lengths = lengthsOf(search)
  const kinds = new Map(variants.map((variant) => [kindOf(variant), variant]))
  const subjects = new Map<string, LatencySubject>()
  const tables = new Map<string, LatencyTable>()
  measurer.begin('latency', batches.length * (kinds.size * (sites.length + 1) + variants.length))
  for (const [kind, { method, quantize }] of kinds) {
    for (const batch of batches) {
      const subject: LatencySubject = { ...search, site: placeOf(method), quantize, batch, lengths }
      subjects.set(`${kind} ${batch}`, subject)
      tables.set(`${kind} ${batch}`, await latencyTable(measurer, subject))
    }
  }
  const overShapes = (ms: (batch: number, tokens: number) => number): number =>
    mean(shapes.map(({ batch, tokens = fixedTokens ?? 1 }) => ms(batch, tokens) / batch))
  const found: Contender[] = []
  for (const variant of variants) {
    // One of each kind is tried whatever the time is: 8 bits are often what is fastest.
    if (measurer.isLate && found.some((other) => kindOf(other.variant) === kindOf(variant))) continue
    const { method, name } = variant
    const table = (batch: number): LatencyTable => tables.get(`${kindOf(variant)} ${batch}`) as LatencyTable
    const float = (batch: number): LatencyTable => tables.get(`${kindOf({ method })} ${batch}`) as LatencyTable
    const choosing = new Map<number, LatencyTable>()
    for (const batch of batches) {
      const subject = subjects.get(`${kindOf(variant)} ${batch}`) as LatencySubject
      choosing.set(batch, { batch, tokens: lengths, segments: [await cutTimes(measurer, subject, method, name)] })
    }
    const costs: Costs = {
      ms: (site, share) => overShapes((batch, n) => segmentMs(table(batch), site + 1, Math.ceil(share * n))),
      cutMs: (_, share) =>
        overShapes((batch, n) => segmentMs(choosing.get(batch) as LatencyTable, 0, Math.ceil(share * n))),
    }
    const head = overShapes((batch, n) => segmentMs(table(batch), 0, n))
    const denseMs = overShapes((batch, n) =>
      [...sites.keys(), sites.length].reduce((sum, segment) => sum + segmentMs(float(batch), segment, n), 0),
    )
    const leastRatio = Math.max(0, ...sites.map((layer) => leastRatioAt(method, layer)))
    found.push({ variant, costs, leastRatio, msOf: (shares) => head + spentMs(costs, shares), denseMs })
  }
  return found
}

/** Variants of one kind have their tables in common. */
function kindOf({ method, quantize }: Pick<NamedVariant, 'method' | 'quantize'>): string {
  return `${placeOf(method)}${eightBitsName(quantize)}`
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
