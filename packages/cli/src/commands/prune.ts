import { basename } from 'node:path'
import { inspect, type PrunedEncoder } from '@tp/compiler'
import { amountNames } from '@tp/core/host'
import { throwIfAborted } from '@tp/core/runtime'
import { under } from '../command/arguments.ts'
import { type Command, command } from '../command/command.ts'
import { endable } from '../command/endable.ts'
import { EXIT } from '../command/exit-code.ts'
import { usageError } from '../command/usage-error.ts'
import { decoderOf } from '../decoding/decoder-file.ts'
import { promptPruningOf } from '../decoding/prompt-pruning.ts'
import { describePruned, pruneDecoder } from '../decoding/prune-decoder.ts'
import { checkDecoderOptions, decoderOptions, repairDecoder } from '../decoding/repair-decoder.ts'
import { defaultOutput, refuseExisting } from '../files/default-output.ts'
import { outputsOf } from '../files/file-claims.ts'
import { checkFiles, demandOptions, readDemands } from '../measuring/check-files.ts'
import { readModelFile } from '../model/model-file.ts'
import { dataOptions } from '../model/open-inputs.ts'
import { taskOption } from '../model/open-task-inputs.ts'
import { stageModel } from '../model/stage-model.ts'
import { jsonDocument } from '../output/document.ts'
import { amountOptions } from '../pruning/amounts.ts'
import { asksForNothing, methodOption, quantizeOption, readAsked } from '../pruning/asked.ts'
import { pruneAsAsked, pruneByDefault } from '../pruning/attempt.ts'
import { leaveOutOption } from '../pruning/leave-out.ts'
import { asOutputTokens, checkOutputTokens, outputTokensOption } from '../pruning/output-tokens.ts'
import { planOption } from '../pruning/plan-file.ts'
import { pruningOptions } from '../pruning/plan-options.ts'
import { describePruning, encoderContent, flopsFactors } from '../pruning/pruned-report.ts'
import type { Verification } from '../pruning/verify.ts'
import { SEVEN_BITS } from '../quantizing/form-here.ts'
import { askedByPlan, openExamples, tunedText, tunePlan, tuningOptions } from '../tuning/prune-tuned.ts'
import { splitData } from '../tuning/split-data.ts'

export const pruneCommand: Command = command({
  options: {
    out: {
      type: 'string',
      short: 'o',
      value: 'OUT',
      description: 'the file to write, never the model itself; default: MODEL.pruned.onnx next to it, if there is none',
    },
    lossless: {
      type: 'boolean',
      description:
        'leave out what no output reads, which is exact; of a decoder all logits but those of the last token',
    },
    verify: { type: 'boolean', description: 'compare the pruned model with the dense one before it is written' },
    json: { type: 'boolean', description: 'print one JSON document' },
    ...under('Data, by which a pruning is found and judged', {
      ...dataOptions,
      ...tuningOptions,
      ...demandOptions,
      task: taskOption.task,
    }),
    ...under('How tokens are pruned', { ...methodOption, ...planOption, ...amountOptions, ...pruningOptions }),
    ...under('What else is left out or written', {
      ...quantizeOption,
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
    '  tp prune model.onnx --data examples.tsv --max-loss 1 --minutes 5 --quantize',
    '  tp prune model.onnx -o pruned.onnx --method received-attention --keep 0.7',
  ],
  writes: ({ out, 'decoder-out': decoder }, [path = '']) =>
    outputsOf({ '-o': out ?? defaultOutput(path), '--decoder-out': decoder }, { holdsModel: true }),
  async run([path = ''], given, context) {
    const { print, progress, signal, files } = context
    const { lossless = false, trace = false, monitor = false, json = false, data } = given
    const outputTokens = given['output-tokens'] ?? false
    const out = given.out ?? defaultOutput(path)
    if (given.out === undefined) await refuseExisting(out)
    if (lossless && (outputTokens || !asksForNothing(given)))
      throw usageError('--lossless prunes no tokens; omit it, or what says how to prune')
    if (lossless && given.quantize)
      throw usageError('--lossless is exact, and 8 bits round; say --method none --quantize if that is meant')
    refuseIdleOptions(given)
    const demands = readDemands(given)
    const leavesLayersOutOnly = asksForNothing(given) && given['leave-out'] !== undefined
    const isIdle = asksForNothing(given) && !leavesLayersOutOnly && !outputTokens && !lossless
    const verify = given.verify ?? isIdle
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
    const examples = data === undefined ? undefined : await openExamples(whole, { ...given, data }, context)
    const parts = examples && isIdle ? splitData(examples) : undefined
    const tuned = parts && (await tunePlan(whole, parts.tuning, examples?.task === 'embeddings', given, context))
    const asked = outputTokens
      ? await readAsked(asOutputTokens(whole, given))
      : (told ?? (tuned ? await askedByPlan(tuned.plan, given) : undefined))
    checkDecoderOptions(given, asked?.plan ?? (given.restore === undefined ? {} : { restore: given.restore }))
    const decoderFile =
      given.decoder === undefined
        ? undefined
        : await endable(() => readModelFile(given.decoder as string, { signal, files }))
    if (outputTokens && asked) checkOutputTokens(asked.method)
    progress.stage(`pruning ${basename(path)}`)
    const how = {
      trace,
      monitor,
      outputTokens,
      deadTokens: !leavesLayersOutOnly,
      seen,
      repairs: decoderFile !== undefined,
    }
    const { file, model, pruned, notes, method, plan, settings, speed } =
      asked === undefined
        ? await pruneByDefault(whole, given, how, context)
        : await endable(() => pruneAsAsked(whole, asked, { ...how, isDefault: false }))
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
    if (given.out === undefined) await refuseExisting(out)
    await staged.commit()
    await repaired?.commit()
    const checked = parts?.checking ?? examples
    const check =
      checked && data !== undefined
        ? await checkFiles(
            { pruned: await readModelFile(out, { signal }), dense: whole, source: data, data: checked, demands },
            context,
          )
        : undefined
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
      ...(speed && { speed }),
      ...(tuned && { tuned: { seconds: tuned.seconds, isCutShort: tuned.isCutShort, figures: tuned.figures } }),
      notes: [
        ...notes,
        ...(given.quantize && plan.quantize?.reduceRange ? [SEVEN_BITS] : []),
        ...(tuned ? [tunedText(tuned, plan.method)] : []),
      ],
      milliseconds: Math.round(performance.now() - start),
    }
    progress.end()
    if (json) print(jsonDocument('prune', { ...report, ...(check && { check: check.content }) }))
    else {
      const described = describePruning(report, pruned, leavesLayersOutOnly ? undefined : method)
      print(check === undefined ? described : `${described}\n\n${check.text}`)
    }
    return check === undefined || check.verdict.passed ? EXIT.done : EXIT.belowThreshold
  },
})

/** No option is ignored silently. @throws TpError TP_USAGE */
function refuseIdleOptions(given: Readonly<Record<string, unknown>>): void {
  const ofData = [...Object.keys(dataOptions), ...Object.keys(demandOptions), 'task', 'minutes']
  const idle = given.data === undefined ? ofData.find((name) => given[name] !== undefined) : undefined
  if (idle !== undefined) throw usageError(`--${idle} requires --data PATH`)
  const named = ['lossless', 'output-tokens', 'leave-out'].find((name) => given[name] !== undefined)
  if (given.minutes !== undefined && (!asksForNothing(given) || named !== undefined))
    throw usageError('--minutes is for tuning, and it is said how to prune; omit one of them')
}

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
