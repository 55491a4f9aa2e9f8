import { timeInTurns } from '@tp/compare'
import type { QuantizeOptions } from '@tp/compiler'
import { type Amount, type Method, none, type Schedule, scorer, truncate } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { eightBitsName } from './candidate.ts'
import { type LatencyTable, tableOf } from './latency-table.ts'
import type { Measurer } from './measurer.ts'
import type { TuneOptions } from './options.ts'
import { type TunedPruning, unpruned } from './pruning.ts'
import { timedInputs } from './timed-inputs.ts'

export interface LatencySubject extends Pick<TuneOptions, 'model' | 'inputs'> {
  readonly device: TuneOptions['runtime']
  /** Layers at which tokens can be pruned. */
  readonly sites: readonly number[]
  /** Where in the layer they are pruned. */
  readonly site: NonNullable<Method['site']>
  /** The weights are stored in 8 bits. */
  readonly quantize?: QuantizeOptions | undefined
  readonly batch: number
  /** Token counts of inputs, ascending; of images and sounds the only one. */
  readonly lengths: readonly number[]
}

/** Timed rounds; enough for a median of ratios. */
const ROUNDS = { rounds: 40, budgetMs: 1500 }

/**
 * Times a model on the device, segment by segment: if one token is kept at a site, the remaining time is that of everything
 * before it. Works on any runtime, since no profiler is required.
 */
export async function latencyTable(measurer: Measurer, subject: LatencySubject): Promise<LatencyTable> {
  const { batch, lengths, sites, inputs, model, device, site } = subject
  const fixed = inputs.lengths === undefined
  const first = cheap(site)
  await using dense = await measurer.load(device, model, inForm(subject, none(), new Map()))
  const feeds = await Promise.all(lengths.map((tokens) => timedInputs(inputs, fixed ? { batch } : { batch, tokens })))
  const key = (what: string): string =>
    `latency ${device.name} ${site} batch ${batch}${eightBitsName(subject.quantize)} ${what}`
  /** Milliseconds by length, from ratios to the dense model in the same rounds. */
  const times = async (what: string, schedule: Schedule): Promise<readonly number[]> =>
    measurer.measure(key(what), async () => {
      await using session = await measurer.load(device, model, inForm(subject, first, schedule))
      return await ratios({ dense, session }, feeds)
    })
  const whole = await measurer.measure(key('dense'), async () => {
    if (subject.quantize === undefined) return denseMs(dense, feeds)
    // Against float32 in the same rounds: the two tables are compared with each other.
    await using float = await measurer.load(device, model, unpruned)
    const ms = await denseMs(float, feeds)
    return (await ratios({ dense: float, session: dense }, feeds)).map((ratio, i) => ratio * (ms[i] as number))
  })
  const inMs = (ratio: readonly number[]): number[] => ratio.map((part, i) => part * (whole[i] as number))
  const upTo: number[][] = []
  for (const site of sites) upTo.push(inMs(await times(`up to ${site}`, new Map([[site, ONE]]))))
  if (!fixed) return tableOf(batch, lengths, upTo, whole)
  return await fixedTable(
    subject,
    { upTo: upTo.map(([ms]) => ms as number), whole: whole[0] as number },
    async (count) => {
      const [ratio] = await times(`${count} tokens`, new Map([[sites[0] as number, { kind: 'tokens', value: count }]]))
      return (ratio as number) * (whole[0] as number)
    },
  )
}

const ONE: Amount = { kind: 'tokens', value: 1 }

/** Shares of tokens that are timed if their number is fixed. */
const PARTS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]

/**
 * For inputs of one length: with some tokens pruned at the first site, the time of all later segments together, divided among them
 * as with all tokens.
 */
async function fixedTable(
  { batch, lengths: [most = 1] }: LatencySubject,
  { upTo, whole }: { readonly upTo: readonly number[]; readonly whole: number },
  withTokens: (count: number) => Promise<number>,
): Promise<LatencyTable> {
  const full = tableOf(
    batch,
    [most],
    upTo.map((ms) => [ms]),
    [whole],
  ).segments.map(([ms]) => ms as number)
  const [head = 0, ...later] = full
  const all = later.reduce((sum, ms) => sum + ms, 0)
  const tokens = [...PARTS.map((part) => Math.max(1, Math.round(part * most))), most]
  const parts: number[] = []
  for (const count of tokens) parts.push(count === most ? 1 : Math.max(0, (await withTokens(count)) - head) / all)
  return { batch, tokens, segments: [tokens.map(() => head), ...later.map((ms) => parts.map((part) => part * ms))] }
}

/** Milliseconds of a method's selection at one site, by length. */
export async function cutTimes(
  measurer: Measurer,
  subject: LatencySubject,
  method: Method,
  name: string,
): Promise<readonly number[]> {
  const { model, inputs, device, sites, batch, lengths } = subject
  return measurer.measure(`latency ${device.name} batch ${batch} choosing by ${name}`, async () => {
    const fixed = inputs.lengths === undefined
    const feeds = await Promise.all(lengths.map((tokens) => timedInputs(inputs, fixed ? { batch } : { batch, tokens })))
    const all = new Map(sites.map((site): [number, Amount] => [site, { kind: 'ratio', value: 1 }]))
    await using dense = await measurer.load(device, model, inForm(subject, none(), new Map()))
    await using session = await measurer.load(device, model, inForm(subject, method, all))
    const whole = await denseMs(dense, feeds)
    const more = await ratios({ dense, session }, feeds)
    return more.map((ratio, i) => (Math.max(0, ratio - 1) * (whole[i] as number)) / sites.length)
  })
}

function inForm({ quantize }: LatencySubject, method: Method, schedule: Schedule): TunedPruning {
  return { method, schedule, ...(quantize && { quantize }) }
}

type Feeds = Awaited<ReturnType<ModelInputs['feeds']>>

async function denseMs(dense: Session, feeds: readonly Feeds[]): Promise<number[]> {
  const all: number[] = []
  for (const one of feeds) all.push((await timeInTurns([dense], [one], ROUNDS)).latencies[0]?.p50Ms as number)
  return all
}

/** Time of a session over that of the dense one, by input. */
async function ratios(
  sessions: { readonly dense: Session; readonly session: Session },
  feeds: readonly Feeds[],
): Promise<number[]> {
  const all: number[] = []
  for (const one of feeds) {
    const { latencies } = await timeInTurns([sessions.dense, sessions.session], [one], ROUNDS)
    all.push(1 / (latencies[1]?.speedup.value as number))
  }
  return all
}

/** Almost free: keeps the first tokens. */
function cheap(site: NonNullable<Method['site']>): Method {
  if (site === 'attention') return truncate()
  return scorer({ name: 'first', family: 'baseline', site, score: (site) => site.position })
}
