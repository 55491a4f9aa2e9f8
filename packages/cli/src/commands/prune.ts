import { basename } from 'node:path'
import { inputKind } from '@tp/compare'
import { inspect } from '@tp/compiler'
import { countedAmounts } from '@tp/core'
import { amountNames } from '@tp/core/host'
import type { ModelFile } from '@tp/data'
import { outputsOf } from '@tp/data/files'
import { decoderOf, promptPruningOf } from '@tp/plans/files'
import { flag, text, under, verifyOption } from '../arguments/option.ts'
import {
  amountOptions,
  leaveOutOption,
  methodOption,
  planOption,
  pruningOptions,
  quantizeOption,
} from '../arguments/pruning-options.ts'
import { readWritten } from '../arguments/read-fields.ts'
import { usageError } from '../arguments/usage-error.ts'
import { endable } from '../context/endable.ts'
import { pruneDecoder } from '../decoding/prune-decoder.ts'
import { checkDecoderOptions, decoderOptions, readerOf } from '../decoding/repair-decoder.ts'
import { asPooled } from '../model/as-pooled.ts'
import { readModelFile } from '../model/model-file.ts'
import { describePruning } from '../printing/pruned-report.ts'
import { pruneByDefault, pruneByPlan } from '../pruning/attempt.ts'
import { asOutputTokens, checkOutputTokens, outputTokensOption } from '../pruning/output-tokens.ts'
import { readPlan, saysNothing } from '../pruning/read-plan.ts'
import { writeAttempt, writtenReport } from '../pruning/write-attempt.ts'
import { SEVEN_BITS } from '../quantizing/quantize-file.ts'
import { type Command, command } from './command.ts'
import { defaultOutput, refuseExisting } from './default-output.ts'

export const pruneCommand: Command = command({
  options: {
    out: text('OUT', 'file to write, never the model itself; default: MODEL.pruned.onnx next to it, unless it exists', {
      short: 'o',
      writes: 'model',
    }),
    force: flag('replace an existing MODEL.pruned.onnx, or a folder; -o always replaces its file'),
    lossless: flag(
      'remove only computation that no output reads, which is exact; for a decoder, keep only the logits of the last token',
      {
        excludes: [...Object.keys(amountOptions), 'method', 'plan', 'param', 'output-tokens'],
        because: '--lossless prunes no tokens',
      },
    ),
    ...verifyOption,
    ...under('How tokens are pruned', { ...methodOption, ...planOption, ...amountOptions, ...pruningOptions }),
    ...under('Other changes and outputs', {
      quantize: {
        ...quantizeOption.quantize,
        description:
          'store the result in 8 bits, as tp quantize does (on x86 without VNNI in 7, which is exact everywhere)',
        excludes: ['lossless'],
        because: '--lossless is exact, and 8 bits round; say --method none --quantize if that is meant',
      },
      ...leaveOutOption,
      ...decoderOptions,
      ...outputTokensOption,
      trace: flag('add outputs that show which tokens were kept: tp.trace.LAYER.indices and .valid'),
      monitor: flag('add outputs to watch for drift: the kept share of scores and tokens, tp.monitor.mass and .kept'),
    }),
  },
  writesFolders: true,
  notes: [
    'Without a method, tp prune applies the setting measured to be safe for the head of the model, if that is faster on this machine; where',
    'a head reads every token, it removes only dead tokens, which is exact. It reports its choice and the reason. Given examples, tp optimize',
    'finds the fastest plan within an allowed loss. With --quantize the file is 8-bit, too.',
    'One number applies to all layers, a list to each of them in order. --method none without an amount removes only dead tokens.',
    'Examples:',
    '',
    '  tp prune model.onnx',
    '  tp prune model.onnx -o pruned.onnx --method received-attention --keep 0.7',
  ],
  writes: ({ out }, [path = '']) =>
    outputsOf({ '-o': out === undefined ? defaultOutput(path) : undefined }, { holdsModel: true }),
  async run([path = ''], args, context) {
    const { progress, signal, files } = context
    const out = args.out ?? defaultOutput(path)
    // Last of what can be wrong, so that it hides no other mistake; but before what takes long, and again before the file gets its name.
    const refuseExistingOut = async (): Promise<void> => {
      if (args.out === undefined && !args.force) await refuseExisting(out)
    }
    const { isIdle, isLeaveOutAlone } = intentOf(args)
    const verify = !args['no-verify']
    const readPruning = isIdle ? undefined : await readPlan(args.lossless ? { ...args, method: 'none' } : args)
    const restore = readPruning?.plan.restore ?? readWritten(args).restore
    checkDecoderOptions(args, restore)

    const start = performance.now()
    const open = (path: string): Promise<ModelFile> => endable(() => readModelFile(path, { signal, files }))
    const file = await open(path)
    const whole = await asPooled(file, { ...args, restore })
    const seen = await endable(async () => inspect(whole.model))
    const decoder = await endable(async () => decoderOf(whole, seen))
    if (decoder !== undefined) {
      refuseOptionsOfEncoders(path, args)
      if (args.flops !== undefined) throw usageError(`--flops is for encoders; give ${countedAmounts()}`)
      const prompt = readPruning && promptPruningOf(readPruning.plan, readPruning.method, decoder)
      return await pruneDecoder(whole, decoder, { out, prompt, verify, beforeWriting: refuseExistingOut }, context)
    }

    const outputTokens = args['output-tokens'] ?? false
    const pruning = outputTokens ? await readPlan(asOutputTokens(whole, args)) : readPruning
    if (outputTokens && pruning) checkOutputTokens(pruning.method)
    const read = args.decoder === undefined ? undefined : await open(args.decoder)
    const reading = { encoder: whole, out: args['decoder-out'], restore: pruning?.plan.restore ?? restore }
    const reader = read && (await endable(async () => readerOf(read, reading)))
    const restored = reader && { restore: reader.restore }
    progress.stage(`pruning ${basename(path)}`)
    const { trace = false, monitor = false } = args
    const how = { trace, monitor, outputTokens, deadTokens: !isLeaveOutAlone, seen }
    // A decoder that weighs what is kept gets the answer of all positions, to a hair.
    const isThinned = pruning === undefined && reader !== undefined && inputKind(whole.model) === 'recordings'
    const chosen = isThinned ? await readPlan({ ...args, method: 'thin-padding' }) : pruning
    const planned = chosen && { ...chosen, plan: { ...chosen.plan, ...restored } }
    const attempt =
      planned === undefined
        ? await pruneByDefault(whole, { ...args, ...restored }, { ...how, beforeTiming: refuseExistingOut }, context)
        : await endable(() => pruneByPlan(whole, planned, { ...how, isDefault: isThinned }))
    await refuseExistingOut()
    const writing = { whole: file, out, verify, decoder: reader?.change, beforeCommit: refuseExistingOut }
    const written = await writeAttempt(attempt, writing, context)

    const notes = [
      ...(args.quantize && attempt.plan.quantize?.reduceRange ? [SEVEN_BITS] : []),
      ...(reader?.note === undefined ? [] : [reader.note]),
    ]
    const report = await writtenReport({ file, whole, out, attempt, written, notes, began: start })
    const shown = isLeaveOutAlone ? undefined : attempt.pruned.options.method
    return { content: { ...report, plan: attempt.plan }, text: describePruning(report, attempt.pruned, shown) }
  },
})

/** The subject of a command line. */
interface Intent {
  /** No option says how to prune. */
  readonly isIdle: boolean
  readonly isLeaveOutAlone: boolean
}

function intentOf(args: Readonly<Record<string, unknown>>): Intent {
  const isLeaveOutAlone = saysNothing(args) && args['leave-out'] !== undefined
  const isIdle = saysNothing(args) && !isLeaveOutAlone && !args['output-tokens'] && !args.lossless
  return { isIdle, isLeaveOutAlone }
}

/** Options that mean something for a decoder. */
const ofDecoders: ReadonlySet<string> = new Set([
  'out',
  'force',
  'lossless',
  'no-verify',
  'json',
  'method',
  'layers',
  'least-tokens',
  'protect',
  'param',
  'plugin',
  ...amountNames,
] satisfies string[])

/** @throws TpError TP_USAGE */
function refuseOptionsOfEncoders(path: string, args: Readonly<Record<string, unknown>>): void {
  const encodersOnly = Object.keys(args).find((name) => !ofDecoders.has(name) && args[name])
  if (encodersOnly !== undefined)
    throw usageError(`--${encodersOnly} is for encoders, and ${path} is a decoder; omit it`)
}
