import { factor, type VerifiedPruning } from '@tp/compare'
import type { PrunedEncoder } from '@tp/compiler'
import type { Amount, Method } from '@tp/core'
import { amountText } from '@tp/core/host'
import type { SafelyPruned } from '@tp/optimize'
import type { PrunedModelFile, PruningFacts } from '@tp/plans/files'
import { comparisonText } from './cell-text.ts'
import { lines, NOT_VERIFIED } from './lines.ts'
import { leftOutText } from './made-from.ts'
import { layersText, megabytes, ranges } from './numbers.ts'

/** The report of a pruned and written file, in the order of its document. */
export interface PrintedPruning extends PruningFacts {
  readonly bytes: number
  readonly dataFiles: readonly string[]
  readonly verification?: VerifiedPruning
  readonly decoder?: DecoderReport
  /** Where it was timed. */
  readonly speed?: SpeedReport | undefined
  /** Remarks about models of this kind, in sentences. */
  readonly notes: readonly string[]
  readonly milliseconds: number
}

/** The decoder of an encoder of speech, after pruning. */
export interface DecoderReport {
  readonly decoder: string
  /** How many states were built in; absent where it reads any number as it is, and nothing was written. */
  readonly builtIn?: number
  /** It weighs each state by how many it stands for. */
  readonly weighs?: true
  readonly out?: string
  readonly bytes?: number
  readonly dataFiles?: readonly string[]
  /** The largest difference of what it returned, where that was compared. */
  readonly verification?: { readonly difference: number }
}

/** How many times as fast as the dense file, on one thread. */
export type SpeedReport = Pick<SafelyPruned<unknown>, 'tokens'> & SafelyPruned<unknown>['speed']

/** @param pruning absent where only layers are left out */
export function describePruning(
  report: PrintedPruning & { readonly out: string },
  { encoders }: PrunedModelFile,
  pruning: Method | undefined,
): string {
  const { out, method, leftOut, flops, bytes, dataFiles, quantized, verification, decoder, notes, speed } = report
  const seconds = (report.milliseconds / 1000).toFixed(1)
  const times = flops.map(({ tokens, factor: fewer }) => `${factor(fewer)} fewer at n=${tokens}`)
  return lines(
    `${out}  ${megabytes(bytes)}, ${method}${quantized === undefined ? '' : ', 8 bits'}, ${seconds} s`,
    leftOut && `without ${leftOutText(leftOut)}; the others are numbered from 0 again`,
    encoders.flatMap((encoder) => {
      const about = pruning === undefined ? [LAYERS_ONLY] : cutsText(encoder, pruning)
      return encoders.length === 1 ? about : about.map((line) => `${encoder.name}: ${line}`)
    }),
    flops.length === 0 ? 'FLOPs depend on the data' : `FLOPs  ${times.join(', ')}`,
    copiesText(dataFiles),
    verification ? verificationText(verification, quantized !== undefined) : NOT_VERIFIED,
    decoder && decoderText(decoder),
    speed &&
      `${speedText(speed)}; ${method === 'none' ? EXACT : 'accuracy not measured: tp optimize --data measures it'}`,
    notes.map((note) => `note  ${note}`),
  )
}

/** Data files that were copied next to the output. */
export function copiesText(dataFiles: readonly string[] = []): string[] {
  return dataFiles.map((path) => `weights copied to ${path}`)
}

function decoderText({ decoder, builtIn, weighs, out, bytes = 0, dataFiles, verification }: DecoderReport): string {
  if (weighs) {
    return lines(
      `decoder  ${out}  ${megabytes(bytes)}; it weighs each state by how many positions that stands for`,
      copiesText(dataFiles),
      verification &&
        `verified  next to the old file with each state several times: differs by ${verification.difference.toExponential(1)}`,
    )
  }
  if (builtIn === undefined) return `decoder  ${decoder} reads any number of states; it is left as it is`
  return lines(
    `decoder  ${out}  ${megabytes(bytes)}; ${builtIn} states were built in, and it reads any number now`,
    copiesText(dataFiles),
    verification &&
      `verified  with ${builtIn} states, and with fewer next to the old file with each several times: differs by ${verification.difference.toExponential(1)}`,
  )
}

const EXACT = 'exact: the outputs are the dense ones'
const LAYERS_ONLY = 'tokens are as they were; --method none would also eliminate dead ones'

function cutsText({ cuts, schedule }: PrunedEncoder, { before, unscheduled }: Method): string[] {
  const first = before === undefined ? undefined : cuts[0]
  const own = first === undefined ? cuts : cuts.slice(1)
  const leftOut = [...schedule.keys()].filter((layer) => !own.some((cut) => cut.layer === layer))
  const amounts = unscheduled ? 'as many as the method decides' : amountsText(schedule)
  return lines(
    cuts.length === 0 && 'no tokens are pruned but dead ones',
    first && `${before?.name} prunes ${placeText([first])}: as many tokens as it decides`,
    own.length > 0 && `tokens are pruned ${placeText(own)}: ${amounts}`,
    leftOut.length > 0 && `no cut at layer ${ranges(leftOut)}: later layers read only protected tokens`,
  ).split('\n')
}

function placeText(cuts: PrunedEncoder['cuts']): string {
  const layers = cuts.map(({ layer }) => layer)
  return `${cuts[0]?.site === 'input' ? 'before' : 'after the attention of'} ${layersText(layers, ranges(layers))}`
}

function amountsText(schedule: ReadonlyMap<number, Amount>): string {
  const amounts = [...schedule.values()].map(amountText)
  return new Set(amounts).size === 1 ? (amounts[0] as string) : amounts.join(', ')
}

/** `1.64× (1.60 … 1.70) as fast as dense at 128 tokens, one thread` */
function speedText({ value, low, high, tokens }: SpeedReport): string {
  const at = tokens === undefined ? '' : ` at ${tokens} tokens`
  return `${factor(value)} (${low.toFixed(2)} … ${high.toFixed(2)}) as fast as dense${at}, one thread`
}

function verificationText(verification: VerifiedPruning, isRounded: boolean): string {
  const { shapes, invariance, sites } = verification
  const before = isRounded ? 'before rounding to 8 bits, ' : ''
  const alike = Object.entries(invariance ?? {}).map(([arrangement, count]) => `${arrangement} (${count})`)
  return lines(
    `verified  runs ${shapesText(shapes)} with finite outputs`,
    `          ${before}keeping every token by force, outputs differ ${comparisonText(verification)}`,
    alike.length === 0
      ? '          not compared in batches: the batch is fixed, or the dense answers depend on it themselves'
      : `          ${before}examples get the same answers alone and ${alike.join(', ')}`,
    siteCostsText(sites),
  )
}

/** `at 3 to 16 tokens, 1 to 5 at a time,` */
function shapesText(shapes: VerifiedPruning['shapes']): string {
  const [batches, lengths] = [0, 1].map((axis) => shapes.map((shape) => shape[axis] ?? 0)) as [number[], number[]]
  const atOnce = `${span(batches)} at a time`
  return Math.max(...lengths) === 0 ? atOnce : `at ${span(lengths)} tokens, ${atOnce},`
}

/** `3 to 16`, or `4` */
function span(of: readonly number[]): string {
  return [...new Set([Math.min(...of), Math.max(...of)])].join(' to ')
}

function siteCostsText({ nodes, milliseconds, interval, shape }: VerifiedPruning['sites']): string[] {
  if (nodes.length === 0) return []
  const counts = nodes.map(({ nodes: count }) => count)
  const range = span(counts)
  if (milliseconds === undefined || interval === undefined) return [`each cut  adds ${range} nodes`]
  const [value, low, high] = [milliseconds, interval.low, interval.high].map((ms) => ms.toPrecision(3))
  return [`each cut  adds ${range} nodes, ${value} ms (${low} … ${high}) at ${shape.join('×')} on one thread`]
}
