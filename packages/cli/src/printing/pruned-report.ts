import { factor } from '@tp/compare'
import type { PrunedEncoder } from '@tp/compiler'
import type { Amount, Method } from '@tp/core'
import { amountText } from '@tp/core/host'
import type { SafelyPruned } from '@tp/optimize'
import type { FileVerification, PrunedModelFile, PruningFacts } from '@tp/plans/files'
import { lines } from './lines.ts'
import { leftOutText } from './made-from.ts'
import { layersText, megabytes, ranges } from './numbers.ts'
import { verificationText } from './verification-text.ts'

/** The report of a pruned and written file, in the order of its document. */
export interface PrintedPruning extends PruningFacts {
  readonly bytes: number
  readonly dataFiles: readonly string[]
  readonly verification?: FileVerification
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
  readonly verification?: FileVerification
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
  // In 8 bits, tokens that nothing reads may take part in the ranges that others are rounded by.
  const exact = quantized !== undefined || (verification && 'rounding' in verification) ? ROUNDED : EXACT
  const seconds = (report.milliseconds / 1000).toFixed(1)
  const times = flops.map(({ tokens, factor: fewer }) => `${factor(fewer)} fewer at n=${tokens}`)
  return lines(
    `${out}  ${megabytes(bytes)}, ${method}${quantized === undefined ? '' : ', 8 bits'}, ${seconds} s`,
    leftOut && `without ${leftOutText(leftOut)}; the others are numbered from 0 again`,
    encoders.flatMap((encoder) => {
      const about = pruning === undefined ? [LAYERS_ONLY] : cutsText(encoder, pruning)
      return encoders.length === 1 ? about : about.map((line) => `${encoder.name}: ${line}`)
    }),
    flops.length === 0 ? 'FLOPs depend on the data, or on sizes that are not known' : `FLOPs  ${times.join(', ')}`,
    copiesText(dataFiles),
    verificationText(verification),
    decoder && decoderText(decoder),
    speed &&
      `${speedText(speed)}; ${method === 'none' ? exact : 'accuracy not measured: tp optimize --data measures it'}`,
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
      `${verificationText(verification)}, next to the old file with each state several times`,
    )
  }
  if (builtIn === undefined) return `decoder  ${decoder} reads any number of states; it is left as it is`
  return lines(
    `decoder  ${out}  ${megabytes(bytes)}; ${builtIn} states were built in, and it reads any number now`,
    copiesText(dataFiles),
    `${verificationText(verification)}, with ${builtIn} states, and with fewer next to the old file with each several times`,
  )
}

const EXACT = 'exact: the outputs are the dense ones'
const ROUNDED = 'no token that is read is pruned; 8 bits round the outputs'
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
