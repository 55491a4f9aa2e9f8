import { basename } from 'node:path'
import { inspect } from '@tp/compiler'
import { amountNames } from '@tp/core/host'
import type { ModelFile } from '@tp/data'
import { needing, under } from '../command/arguments.ts'
import { type Command, command } from '../command/command.ts'
import { endable } from '../command/endable.ts'
import { EXIT } from '../command/exit-code.ts'
import { usageError } from '../command/usage-error.ts'
import { decoderOf } from '../decoding/decoder-file.ts'
import { promptPruningOf } from '../decoding/prompt-pruning.ts'
import { describePruned, pruneDecoder } from '../decoding/prune-decoder.ts'
import { checkDecoderOptions, decoderOptions } from '../decoding/repair-decoder.ts'
import { defaultOutput, refuseExisting } from '../files/default-output.ts'
import { outputsOf } from '../files/file-claims.ts'
import { checkFiles, demandOptions, readDemands } from '../measuring/check-files.ts'
import { asPooled, ONE_ROW } from '../model/as-pooled.ts'
import { readModelFile } from '../model/model-file.ts'
import { dataOptions } from '../model/open-inputs.ts'
import { readTask, taskOption } from '../model/open-task-inputs.ts'
import { jsonDocument } from '../output/document.ts'
import { pruneByDefault, pruneByPlan } from '../pruning/attempt.ts'
import {
  amountOptions,
  leaveOutOption,
  methodOption,
  planOption,
  pruningOptions,
  quantizeOption,
} from '../pruning/options.ts'
import { asOutputTokens, checkOutputTokens, outputTokensOption } from '../pruning/output-tokens.ts'
import { inspectEncoders } from '../pruning/prune-file.ts'
import { attemptContent, describePruning } from '../pruning/pruned-report.ts'
import { readPlan, saysNothing } from '../pruning/read-plan.ts'
import { writeAttempt } from '../pruning/write-attempt.ts'
import { SEVEN_BITS } from '../quantizing/form-here.ts'
import { openExamples, readTuned, tunedText, tunePlan, tuningOptions } from '../tuning/prune-tuned.ts'
import { splitData } from '../tuning/split-data.ts'

export const pruneCommand: Command = command({
  options: {
    out: {
      type: 'string',
      short: 'o',
      value: 'OUT',
      description: 'the file to write, never the model itself; default: MODEL.pruned.onnx next to it, if there is none',
    },
    force: { type: 'boolean', description: 'replace MODEL.pruned.onnx if it is there, as -o replaces what it names' },
    lossless: {
      type: 'boolean',
      description:
        'leave out what no output reads, which is exact; of a decoder all logits but those of the last token',
      excludes: [...Object.keys(amountOptions), 'method', 'then', 'plan', 'param', 'output-tokens'],
      because: '--lossless prunes no tokens',
    },
    verify: { type: 'boolean', description: 'compare the pruned model with the dense one before it is written' },
    json: { type: 'boolean', description: 'print one JSON document' },
    ...under(
      'Data, by which a pruning is found and judged',
      needing(['data'], { ...dataOptions, ...tuningOptions, ...demandOptions, task: taskOption.task }),
    ),
    ...under('How tokens are pruned', { ...methodOption, ...planOption, ...amountOptions, ...pruningOptions }),
    ...under('What else is left out or written', {
      quantize: {
        ...quantizeOption.quantize,
        description:
          'store the result in 8 bits, as tp quantize does (on x86 without VNNI in 7, which is exact everywhere); with --data and no method where that is faster and loses no more',
        excludes: ['lossless'],
        because: '--lossless is exact, and 8 bits round; say --method none --quantize if that is meant',
      },
      ...leaveOutOption,
      ...decoderOptions,
      ...outputTokensOption,
      trace: {
        type: 'boolean',
        description: 'add outputs that say which tokens were kept: tp.trace.LAYER.indices and .valid',
      },
      monitor: {
        type: 'boolean',
        description: 'add outputs to watch for drift: the kept share of scores and tokens, tp.monitor.mass and .kept',
      },
    }),
  },
  notes: [
    'Without a method: what was measured to be safe for the head of the model, if that is faster here; where a head reads every token,',
    'only dead tokens are removed, which is exact. What was chosen, and why, is said. With --data the fastest pruning is looked for that',
    'loses no more than --max-loss, and a verdict on other examples follows, as of tp check; with a method, too, on all of them.',
    'With --quantize the file is 8-bit, too, and what --data finds may be.',
    'One number applies to all layers, a list to each of them in order. --method none without an amount only removes dead tokens.',
    'Examples:',
    '',
    '  tp prune model.onnx',
    '  tp prune model.onnx -o fast.onnx --data examples.tsv --max-loss 1 --minutes 5 --quantize',
    '  tp prune model.onnx -o pruned.onnx --method received-attention --keep 0.7',
  ],
  writes: ({ out, 'decoder-out': decoder }, [path = '']) =>
    outputsOf({ '-o': out ?? defaultOutput(path), '--decoder-out': decoder }, { holdsModel: true }),
  async run([path = ''], given, context) {
    const { print, progress, signal, files } = context
    const { json = false, data } = given
    const out = given.out ?? defaultOutput(path)
    // Last of what can be wrong, so that it hides no other mistake; but before what takes long, and again before the file gets its name.
    const refuseExistingOut = async (): Promise<void> => {
      if (given.out === undefined && !given.force) await refuseExisting(out)
    }
    const demands = readDemands(given)
    readTask(given.task)
    const { isIdle, leavesLayersOutOnly, verify } = intentOf(given)
    const told = isIdle ? undefined : await readPlan(given.lossless ? { ...given, method: 'none' } : given)
    checkDecoderOptions(given, told?.plan.restore ?? given.restore)

    const start = performance.now()
    const open = (path: string): Promise<ModelFile> => endable(() => readModelFile(path, { signal, files }))
    const file = await open(path)
    const whole = await asPooled(file, { ...given, restore: told?.settings.restore ?? given.restore })
    const seen = await endable(async () => inspect(whole.model))
    const decoder = await endable(async () => decoderOf(whole, seen))
    if (decoder !== undefined) {
      refuseOptionsOfEncoders(path, given)
      const prompt = told && promptPruningOf(told, decoder)
      const stage = (name: string): void => progress.stage(name)
      const options = { out, prompt, verify, signal, stage, beforeWriting: refuseExistingOut }
      const written = await pruneDecoder(whole, decoder, options)
      progress.end()
      print(json ? jsonDocument('prune', written) : describePruned(written, decoder))
      return EXIT.done
    }

    const examples = data === undefined ? undefined : await openExamples(whole, { ...given, data }, context)
    const parts = examples && isIdle ? splitData(examples) : undefined
    if (parts !== undefined) {
      inspectEncoders(whole, given.encoder, seen)
      await refuseExistingOut()
    }
    const tuned = parts && (await tunePlan(whole, parts.tuning, examples?.task === 'embeddings', given, context))
    const outputTokens = given['output-tokens'] ?? false
    const asked = outputTokens
      ? await readPlan(asOutputTokens(whole, given))
      : (told ?? (tuned ? await readTuned(tuned.plan, given) : undefined))
    if (outputTokens && asked) checkOutputTokens(asked.method)
    checkDecoderOptions(given, asked?.plan.restore ?? given.restore)
    const reader =
      given.decoder === undefined ? undefined : { file: await open(given.decoder), out: given['decoder-out'] }
    progress.stage(`pruning ${basename(path)}`)
    const { trace = false, monitor = false } = given
    const how = { trace, monitor, outputTokens, deadTokens: !leavesLayersOutOnly, seen, repairs: reader !== undefined }
    const attempt =
      asked === undefined
        ? await pruneByDefault(whole, given, { ...how, beforeTiming: refuseExistingOut }, context)
        : await endable(() => pruneByPlan(whole, asked, { ...how, isDefault: false }))
    await refuseExistingOut()
    const writing = { whole: file, out, verify, decoder: reader, beforeCommit: refuseExistingOut }
    const written = await writeAttempt(attempt, writing, context)

    const checked = parts?.checking ?? examples
    const check =
      checked && data !== undefined
        ? await checkFiles(
            { pruned: await readModelFile(out, { signal }), dense: whole, source: data, data: checked, demands },
            context,
          )
        : undefined
    const { plan, speed } = attempt
    const report = {
      ...{ model: path, out },
      ...(await endable(async () => attemptContent(whole, attempt))),
      ...written,
      ...(speed && { speed }),
      ...(tuned && { tuned: { seconds: tuned.seconds, isCutShort: tuned.isCutShort, figures: tuned.figures } }),
      notes: [
        ...attempt.notes,
        ...(whole === file ? [] : [ONE_ROW]),
        ...(given.quantize && plan.quantize?.reduceRange ? [SEVEN_BITS] : []),
        ...(tuned ? [tunedText(tuned, plan.method)] : []),
      ],
      milliseconds: Math.round(performance.now() - start),
    }
    progress.end()
    if (json) print(jsonDocument('prune', { ...report, ...(check && { check: check.content }) }))
    else {
      const described = describePruning(
        report,
        attempt.pruned,
        leavesLayersOutOnly ? undefined : attempt.settings.method,
      )
      print(check === undefined ? described : `${described}\n\n${check.text}`)
    }
    return check === undefined || check.verdict.passed ? EXIT.done : EXIT.belowThreshold
  },
})

/** What a command line is about. */
interface Intent {
  /** Nothing is said of how to prune. */
  readonly isIdle: boolean
  readonly leavesLayersOutOnly: boolean
  readonly verify: boolean
}

function intentOf(given: Readonly<Record<string, unknown>>): Intent {
  const leavesLayersOutOnly = saysNothing(given) && given['leave-out'] !== undefined
  const isIdle = saysNothing(given) && !leavesLayersOutOnly && !given['output-tokens'] && !given.lossless
  return { isIdle, leavesLayersOutOnly, verify: given.verify === undefined ? isIdle : given.verify === true }
}

/** Options that mean something for a decoder. */
const ofDecoders: ReadonlySet<string> = new Set([
  'out',
  'force',
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
