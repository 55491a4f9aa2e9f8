import { factor, flopsAtUsualLengths, type VerifiedPruning } from '@tp/compare'
import type { Inspection, LeftOutLayers, Plan, PrunedEncoder } from '@tp/compiler'
import type { Amount, Method } from '@tp/core'
import { amountText } from '@tp/core/host'
import type { ModelFile } from '@tp/data'
import type { SafelyPruned } from '@tp/optimize'
import type { PrunedModelFile } from '@tp/plans/files'
import { comparisonText } from './comparison-text.ts'
import { type DecoderReport, decoderText } from './decoder-report.ts'
import { leftOutText } from './left-out-text.ts'
import { megabytes, ranges } from './numbers.ts'

function encoderContent({ layerCount, schedule, cuts }: PrunedEncoder): object {
  return {
    layerCount,
    schedule: [...schedule].map(([layer, amount]) => ({ layer, ...amount })),
    cuts: cuts.map(({ layer }) => layer),
  }
}

/** The description of a pruning, and the saved computation. */
interface AttemptContent extends Pick<PrintedPruning, 'method' | 'flops' | 'leftOut' | 'quantized'> {
  readonly params: NonNullable<Plan['params']>
  readonly encoders?: readonly object[]
}

/** The same of a pruned file, and how each encoder was pruned. */
export function attemptContent(
  whole: ModelFile,
  { pruned, plan }: { readonly pruned: PrunedModelFile; readonly plan: Plan },
): AttemptContent {
  const [model] = pruned.inspections
  return {
    method: plan.method,
    params: plan.params ?? {},
    ...encoderContent(pruned.encoders[0] as PrunedEncoder),
    ...(model.encoders.length > 1 && {
      encoders: pruned.encoders.map((encoder) => ({ name: encoder.name, ...encoderContent(encoder) })),
    }),
    ...(plan.leaveOut?.length && { leftOut: model.leftOut.at(-1) }),
    flops: flopsFactors(whole, model, pruned),
    ...(pruned.quantized && { quantized: pruned.quantized }),
  }
}

export interface PrintedPruning {
  readonly out: string
  readonly method: string
  readonly flops: readonly FlopsFactor[]
  readonly bytes: number
  readonly dataFiles: readonly string[]
  /** Layers that were left out. */
  readonly leftOut?: LeftOutLayers | undefined
  readonly quantized?: PrunedModelFile['quantized']
  readonly verification?: VerifiedPruning
  readonly decoder?: DecoderReport
  /** Remarks about models of this kind, in sentences. */
  readonly notes: readonly string[]
  /** Where it was timed. */
  readonly speed?: SpeedReport | undefined
  readonly milliseconds: number
}

/** How many times as fast as the dense file, on one thread. */
export type SpeedReport = Pick<SafelyPruned<unknown>, 'tokens'> & SafelyPruned<unknown>['speed']

interface FlopsFactor {
  readonly tokens: number | string
  readonly dense: number
  readonly pruned: number
  readonly factor: number
}

/** How many times fewer FLOPs, where the schedule alone says it. */
function flopsFactors(file: ModelFile, model: Inspection, pruned: PrunedModelFile): FlopsFactor[] {
  const now = flopsAtUsualLengths(pruned.model, model)
  return flopsAtUsualLengths(file.model, model).flatMap(({ tokens, flops: dense }) => {
    const less = now.find((entry) => entry.tokens === tokens)?.flops
    return less === undefined ? [] : [{ tokens, dense, pruned: less, factor: dense / less }]
  })
}

/** @param pruning absent where only layers are left out */
export function describePruning(
  report: PrintedPruning,
  { encoders }: PrunedModelFile,
  pruning: Method | undefined,
): string {
  const {
    out,
    method,
    leftOut,
    flops,
    bytes,
    dataFiles,
    quantized,
    verification,
    decoder,
    notes,
    speed,
    milliseconds,
  } = report
  const bits = quantized === undefined ? '' : ', 8 bits'
  return [
    `${out}  ${megabytes(bytes)}, ${method}${bits}, ${(milliseconds / 1000).toFixed(1)} s`,
    ...(leftOut ? [`without ${leftOutText(leftOut)}; the others are numbered from 0 again`] : []),
    ...encoders.flatMap((encoder) => {
      const lines = pruning === undefined ? [LAYERS_ONLY] : cutsText(encoder, pruning)
      return encoders.length === 1 ? lines : lines.map((line) => `${encoder.name}: ${line}`)
    }),
    flops.length === 0
      ? 'FLOPs depend on the data'
      : `FLOPs  ${flops.map(({ tokens, factor: times }) => `${factor(times)} fewer at n=${tokens}`).join(', ')}`,
    ...dataFiles.map((path) => `weights copied to ${path}`),
    ...(verification ? [verificationText(verification, quantized !== undefined)] : []),
    ...(decoder ? decoderText(decoder) : []),
    ...(speed
      ? [`${speedText(speed)}; ${method === 'none' ? EXACT : 'accuracy not measured: tp optimize --data measures it'}`]
      : []),
    ...notes.map((note) => `note  ${note}`),
  ].join('\n')
}

const EXACT = 'exact: the outputs are the dense ones'
const LAYERS_ONLY = 'tokens are as they were; --method none would also eliminate dead ones'

function cutsText({ cuts, schedule }: PrunedEncoder, { before, unscheduled }: Method): string[] {
  const first = before === undefined ? undefined : cuts[0]
  const own = first === undefined ? cuts : cuts.slice(1)
  const leftOut = [...schedule.keys()].filter((layer) => !own.some((cut) => cut.layer === layer))
  return [
    ...(cuts.length === 0 ? ['no tokens are pruned but dead ones'] : []),
    ...(first === undefined ? [] : [`${before?.name} prunes ${placeText([first])}: as many tokens as it decides`]),
    ...(own.length === 0
      ? []
      : [
          `tokens are pruned ${placeText(own)}: ${unscheduled ? 'as many as the method decides' : amountsText(schedule)}`,
        ]),
    ...(leftOut.length === 0 ? [] : [`no cut at layer ${ranges(leftOut)}: later layers read only protected tokens`]),
  ]
}

function placeText(cuts: PrunedEncoder['cuts']): string {
  const layers = cuts.length === 1 ? 'layer' : 'layers'
  return `${cuts[0]?.site === 'input' ? 'before' : 'after the attention of'} ${layers} ${ranges(cuts.map(({ layer }) => layer))}`
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
  return [
    `verified  runs ${shapesText(shapes)} with finite outputs`,
    `          ${before}keeping every token by force, outputs differ ${comparisonText(verification)}`,
    alike.length === 0
      ? '          not compared in batches: the batch is fixed, or the dense answers depend on it themselves'
      : `          ${before}examples get the same answers alone and ${alike.join(', ')}`,
    ...siteCostsText(sites),
  ].join('\n')
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
