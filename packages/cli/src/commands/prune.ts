import { basename } from 'node:path'
import {
  type Inspection,
  inspect,
  type LeftOutLayers,
  type Pruned,
  type PrunedEncoder,
  readProvenance,
} from '@tp/compiler'
import type { Amount, Method } from '@tp/core'
import { amountNames, amountRules } from '@tp/core/host'
import { throwIfAborted } from '@tp/core/runtime'
import { type Command, command } from '../command/command.ts'
import { endable } from '../command/endable.ts'
import { EXIT } from '../command/exit-code.ts'
import { usageError } from '../command/usage-error.ts'
import { decoderOf } from '../decoding/decoder-file.ts'
import { promptPruningOf } from '../decoding/prompt-pruning.ts'
import { describePruned, pruneDecoder } from '../decoding/prune-decoder.ts'
import {
  checkDecoderOptions,
  type DecoderReport,
  decoderOptions,
  decoderText,
  repairDecoder,
} from '../decoding/repair-decoder.ts'
import { outputsOf } from '../files/file-claims.ts'
import { flopsAtUsualLengths } from '../model/flops.ts'
import { type ModelFile, readModelFile } from '../model/model-file.ts'
import { stageModel } from '../model/stage-model.ts'
import { jsonDocument } from '../output/document.ts'
import { factor, megabytes, ranges } from '../output/numbers.ts'
import { amountOptions } from '../pruning/amounts.ts'
import { asksForNothing, METHOD_MISSING, methodOption, readAsked } from '../pruning/asked.ts'
import { leaveOutOption, leftOutText, withoutItsLayers } from '../pruning/leave-out.ts'
import { asOutputTokens, checkOutputTokens, KEPT_ROWS, outputTokensOption } from '../pruning/output-tokens.ts'
import { planOption } from '../pruning/plan-file.ts'
import { pruningOptions } from '../pruning/plan-options.ts'
import { inspectEncoders, pruneFile } from '../pruning/request.ts'
import { schedulesOf } from '../pruning/schedules.ts'
import type { Verification } from '../pruning/verify.ts'
import { ASKED_FOR, FILLED_ROWS, readsEveryToken, SAFE_DEFAULT, wholeHeadNote } from '../pruning/whole-heads.ts'

export const pruneCommand: Command = command({
  options: {
    out: { type: 'string', short: 'o', value: 'OUT', description: 'the file to write; never the model itself' },
    ...methodOption,
    ...planOption,
    ...amountOptions,
    ...pruningOptions,
    ...leaveOutOption,
    ...decoderOptions,
    lossless: {
      type: 'boolean',
      description:
        'leave out what no output reads, which is exact; of a decoder all logits but those of the last token',
    },
    ...outputTokensOption,
    trace: {
      type: 'boolean',
      description: 'add outputs that say which tokens were kept: tp.trace.LAYER.indices and .valid',
    },
    monitor: {
      type: 'boolean',
      description: 'add outputs to watch for drift: the kept share of scores and tokens, tp.monitor.mass and .kept',
    },
    verify: { type: 'boolean', description: 'compare the pruned model with the dense one before it is written' },
    json: { type: 'boolean', description: 'print one JSON document' },
  },
  notes: [
    'Where a head reads every token (a mean over tokens, a row for each) a model may be given without a method: then only dead',
    'tokens are removed, which is exact. So may one that layers are left out of: then nothing else is changed.',
    'One number applies to all layers, a list to each of them in order. --method none without an amount only removes dead',
    'tokens. An example:',
    '',
    '  tp prune model.onnx -o pruned.onnx --method received-attention --keep 0.7',
  ],
  writes: ({ out, 'decoder-out': decoder }) => outputsOf({ '-o': out, '--decoder-out': decoder }, { holdsModel: true }),
  async run([path = ''], given, { print, progress, signal, files }) {
    const { out, lossless = false, trace = false, monitor = false, verify = false, json = false } = given
    const outputTokens = given['output-tokens'] ?? false
    if (out === undefined) throw usageError('-o OUT is missing: the file to write')
    if (lossless && (outputTokens || !asksForNothing(given)))
      throw usageError('--lossless prunes no tokens; omit it, or what says how to prune')
    const leavesLayersOutOnly = asksForNothing(given) && given['leave-out'] !== undefined
    const isIdle = asksForNothing(given) && !leavesLayersOutOnly && !outputTokens && !lossless
    const told = isIdle ? undefined : await readAsked(lossless ? { ...given, method: 'none' } : given)

    const start = performance.now()
    const whole = await endable(() => readModelFile(path, { signal, files }))
    const seen = await endable(async () => inspect(whole.model))
    const decoder = await endable(async () => decoderOf(whole, seen))
    if (decoder !== undefined) {
      refuseOptionsOfEncoders(path, given)
      const prompt = told && promptPruningOf(told, decoder)
      const options = { out, prompt, verify, signal, stage: (name: string) => progress.stage(name) }
      const written = await pruneDecoder(whole, decoder, options)
      progress.end()
      print(json ? jsonDocument('prune', written) : describePruned(written, decoder))
      return EXIT.done
    }
    const asked = outputTokens
      ? await readAsked(asOutputTokens(whole, given))
      : (told ?? (await readAsked(safeDefault(whole, given, seen))))
    const { plan, method } = asked
    checkDecoderOptions(given, plan)
    const settings = given.decoder === undefined ? asked.settings : { ...asked.settings, restore: 'none' as const }
    const decoderFile =
      given.decoder === undefined
        ? undefined
        : await endable(() => readModelFile(given.decoder as string, { signal, files }))
    if (outputTokens) checkOutputTokens(method)
    progress.stage(`pruning ${basename(path)}`)
    const { file, model, pruned, notes } = await endable(async () => {
      const file = withoutItsLayers(whole, plan)
      const encoders = inspectEncoders(file, settings.encoder, file === whole ? seen : undefined)
      const schedules = schedulesOf(asked, file.model, encoders)
      const known = outputTokens ? KEPT_ROWS : wholeHeadNote(encoders, settings.restore)
      const about = told === undefined ? SAFE_DEFAULT : ASKED_FOR
      const isPruned = [...schedules.values()].some((schedule) => schedule.size > 0)
      const notes = known !== undefined && (isPruned || told === undefined) ? [known, about] : []
      const pruned = await pruneFile(file, {
        ...settings,
        method,
        schedules,
        trace,
        monitor,
        deadTokens: !leavesLayersOutOnly,
      })
      const isFilled = readProvenance(pruned.model).some(({ filled }) => filled === 'mean')
      return { file, model: encoders[0], notes: isFilled ? [...notes, FILLED_ROWS] : notes, pruned }
    })
    await using staged = await stageModel(pruned.model, file, out, signal)
    let verification: Verification | undefined
    if (verify) {
      progress.stage('verifying')
      const { verifyPruned } = await import('../pruning/verify.ts')
      const isShallow = file !== whole
      verification = await verifyPruned({ file, isShallow, model, pruned, path: staged.path, method, settings, signal })
    }
    const states = typeof model.tokens === 'number' ? model.tokens : undefined
    const repair = { out: given['decoder-out'], states, size: model.hidden, verify, signal }
    await using repaired = decoderFile && (await repairDecoder(decoderFile, repair))
    throwIfAborted(signal, 'tp')
    await staged.commit()
    await repaired?.commit()
    const report = {
      model: path,
      out,
      method: plan.method,
      params: plan.params ?? {},
      ...encoderContent(pruned.encoders[0] as PrunedEncoder),
      ...(model.encoders.length > 1 && {
        encoders: pruned.encoders.map((encoder) => ({ name: encoder.name, ...encoderContent(encoder) })),
      }),
      ...(plan.leaveOut?.length && { leftOut: model.leftOut.at(-1) }),
      flops: await endable(() => flopsFactors(whole, model, pruned)),
      bytes: staged.bytes,
      dataFiles: staged.dataFiles,
      ...(pruned.quantized && { quantized: pruned.quantized }),
      ...(verification && { verification }),
      ...(repaired && { decoder: repaired.report }),
      notes,
      milliseconds: Math.round(performance.now() - start),
    }
    progress.end()
    print(json ? jsonDocument('prune', report) : describe(report, pruned, leavesLayersOutOnly ? undefined : method))
    return EXIT.done
  },
})

/** Options that mean something for a decoder. */
const ofDecoders: ReadonlySet<string> = new Set([
  'out',
  'lossless',
  'verify',
  'json',
  'method',
  'layers',
  'protect',
  'param',
  'plugin',
  ...amountNames,
] satisfies string[])

/** @throws TpError TP_USAGE */
function refuseOptionsOfEncoders(path: string, given: Readonly<Record<string, unknown>>): void {
  const encodersOnly = Object.keys(given).find((name) => !ofDecoders.has(name) && given[name])
  if (encodersOnly !== undefined)
    throw usageError(`--${encodersOnly} is for encoders, and ${path} is a decoder; omit it`)
}

/**
 * What is done to a model if nothing is asked for: only what is exact, where every token counts.
 * @throws TpError TP_USAGE for other models: which method suits one that reads its class token, its data have to say
 */
function safeDefault<T extends { readonly encoder?: string }>(
  file: ModelFile,
  given: T,
  seen: ReturnType<typeof inspect>,
): T & { readonly method: 'none' } {
  const encoders = inspectEncoders(file, given.encoder, seen)
  if (!encoders.some(readsEveryToken)) throw usageError(METHOD_MISSING)
  return { ...given, method: 'none' }
}

function encoderContent({ layerCount, schedule, cuts }: PrunedEncoder): object {
  return {
    layerCount,
    schedule: [...schedule].map(([layer, amount]) => ({ layer, ...amount })),
    cuts: cuts.map(({ layer }) => layer),
  }
}

interface PruneReport {
  readonly out: string
  readonly method: string
  readonly flops: readonly FlopsFactor[]
  readonly bytes: number
  readonly dataFiles: readonly string[]
  /** Layers that were left out. */
  readonly leftOut?: LeftOutLayers | undefined
  readonly quantized?: Pruned['quantized']
  readonly verification?: Verification
  readonly decoder?: DecoderReport
  /** What is known of models of this kind, in sentences. */
  readonly notes: readonly string[]
  readonly milliseconds: number
}

interface FlopsFactor {
  readonly tokens: number | string
  readonly dense: number
  readonly pruned: number
  readonly factor: number
}

/** How many times fewer FLOPs, where the schedule alone says it. */
function flopsFactors(file: ModelFile, model: Inspection, pruned: Pruned): FlopsFactor[] {
  const now = flopsAtUsualLengths(pruned.model, model)
  return flopsAtUsualLengths(file.model, model).flatMap(({ tokens, flops: dense }) => {
    const less = now.find((entry) => entry.tokens === tokens)?.flops
    return less === undefined ? [] : [{ tokens, dense, pruned: less, factor: dense / less }]
  })
}

/** @param pruning absent where only layers are left out */
function describe(report: PruneReport, { encoders }: Pruned, pruning: Method | undefined): string {
  const { out, method, leftOut, flops, bytes, dataFiles, quantized, verification, decoder, notes, milliseconds } =
    report
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
    ...notes.map((note) => `note  ${note}`),
  ].join('\n')
}

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
    ...(leftOut.length === 0 ? [] : [`no cut at layer ${ranges(leftOut)}: what follows reads only protected tokens`]),
  ]
}

function placeText(cuts: PrunedEncoder['cuts']): string {
  return `${cuts[0]?.site === 'input' ? 'before' : 'after the attention of'} layers ${ranges(cuts.map(({ layer }) => layer))}`
}

function amountsText(schedule: ReadonlyMap<number, Amount>): string {
  const amounts = [...schedule.values()].map(({ kind, value }) => `${amountRules[kind].name} ${value}`)
  return new Set(amounts).size === 1 ? (amounts[0] as string) : amounts.join(', ')
}

function verificationText({ shapes, difference, invariance, sites }: Verification, isRounded: boolean): string {
  const runs = shapes.map((shape) => shape.join('×')).join(' and ')
  const { batch, padding } = invariance ?? {}
  const alike = [
    ...(batch === undefined ? [] : [`alone and in a batch (${batch})`]),
    ...(padding === undefined ? [] : [`with and without padding (${padding})`]),
  ]
  const before = isRounded ? 'before rounding to 8 bits, ' : ''
  return [
    `verified  runs at ${runs} with finite outputs; ${before}keeping every token by force differs by ${difference.toExponential(1)}`,
    alike.length === 0
      ? '          not compared in batches: the batch is fixed, or the dense answers depend on it themselves'
      : `          ${before}examples come out alike ${alike.join(' and ')}`,
    ...siteCostsText(sites),
  ].join('\n')
}

function siteCostsText({ nodes, milliseconds, shape }: Verification['sites']): string[] {
  if (nodes.length === 0) return []
  const counts = nodes.map(({ nodes: count }) => count)
  const range =
    Math.min(...counts) === Math.max(...counts) ? `${counts[0]}` : `${Math.min(...counts)} to ${Math.max(...counts)}`
  const time = milliseconds === undefined ? '' : `, ${milliseconds.toFixed(3)} ms at ${shape.join('×')} on one thread`
  return [`each cut  adds ${range} nodes${time}`]
}
