import { basename } from 'node:path'
import { fromPlan, inspect } from '@tp/compiler'
import { readSafetensors } from '@tp/core/host'
import type { ModelFile } from '@tp/data'
import { outputsOf, removeCheckpointFile, replaceFile, tryRoomFor } from '@tp/data/files'
import { describeLoss, planThatRemains, verdictOfPlan } from '@tp/optimize'
import { fileGivesVectors, inspectEncoders, requireKeptRows } from '@tp/plans/files'
import { nodeRuntime } from '@tp/runtime-node'
import { dataOptions, taskOption } from '../arguments/data-options.ts'
import { demandOptions, readDemands } from '../arguments/demand-options.ts'
import { type Arguments, flag, text, under } from '../arguments/option.ts'
import { encoderOption, pruningOptions } from '../arguments/pruning-options.ts'
import { readSettings } from '../arguments/read-fields.ts'
import { runtimeOption } from '../arguments/run-options.ts'
import { usageError } from '../arguments/usage-error.ts'
import type { Context } from '../context/context.ts'
import { endable } from '../context/endable.ts'
import { asPooled } from '../model/as-pooled.ts'
import { readModelFile } from '../model/model-file.ts'
import { batchSizeOf, openTaskInputs, type TaskInputs } from '../model/open-task-inputs.ts'
import { checkNames, type FoundPlan, measuredPath, searchPlan, valuesPath } from '../optimizing/search.ts'
import { loadMethods } from '../plugins/load-methods.ts'
import { describePlan, searchText } from '../printing/plan-text.ts'
import { describePruning } from '../printing/pruned-report.ts'
import { pruneByPlan } from '../pruning/attempt.ts'
import type { ReadPlan } from '../pruning/read-plan.ts'
import { readWeights } from '../pruning/weights.ts'
import { writeAttempt, writtenReport } from '../pruning/write-attempt.ts'
import { SEVEN_BITS } from '../quantizing/quantize-file.ts'
import { type Command, command } from './command.ts'
import { defaultOutput, refuseExisting } from './default-output.ts'
import { EXIT } from './exit-code.ts'

const options = {
  out: text('OUT', 'file to write; default: MODEL.pruned.onnx, never an existing one; none with --plan-out', {
    short: 'o',
  }),
  'plan-out': text('PLAN', 'plan to write; JSON for tp prune --plan, tp serve and tp run'),
  force: flag('replace an existing MODEL.pruned.onnx, or a folder; -o always replaces its file'),
  resume: flag('go on with the measurements of an interrupted search', { needs: ['plan-out'] }),
  ...under('Data', { ...dataOptions, ...taskOption }),
  ...under('Requirements', {
    ...demandOptions,
    minutes: text('M', 'about how long to search; default 10; with --plan-out until everything has been tried', {
      is: 'positive',
    }),
    for: {
      ...runtimeOption.runtime,
      description:
        'any, node, web, native or a module; default any; where it is to be fast: any is timed in Node; native: @tp/runtime-native, with its kernels for packed files; web: wasm in Node',
    },
    shapes: text(
      'BxN,…',
      'runs to make fast, as 8x128; default: one by one; batch × tokens, or a batch of examples as they are, as 32; otherwise at the lengths of the data',
      { is: 'shapes' },
    ),
  }),
  ...under('Candidates', {
    methods: text(
      'NAME,NAME…',
      'methods to choose from; default: those with recipes (tp methods), and those of --plugin',
    ),
    weights: { ...pruningOptions.weights, description: `${pruningOptions.weights.description}, for --methods` },
    plugin: pruningOptions.plugin,
    float32: flag('keep weights in float32; 8 bits are not tried'),
    'all-layers': flag('keep all layers; leaving some out is not tried'),
    cascade: flag('let uncertain answers fall back to the dense model; cascade of @tp/guard', {
      needs: ['plan-out'],
      excludes: ['out'],
      because: 'a cascade takes two models at run time',
    }),
    ...encoderOption,
    set: pruningOptions.set,
    protect: pruningOptions.protect,
    'protect-segment': pruningOptions['protect-segment'],
    separator: pruningOptions.separator,
    outputs: pruningOptions.outputs,
    restore: pruningOptions.restore,
  }),
} as const

type OptimizeArguments = Arguments<typeof options>

export const optimizeCommand: Command = command({
  options,
  writesFolders: true,
  notes: [
    'Tries the model in 8 bits, packed, with tokens pruned by the recipes of the methods at rising strength, and with fewer',
    'layers. Takes the fastest that loses at most --max-loss, writes the file, and answers yes, no or not shown as tp check does.',
    'With 600 examples or more (300 for vectors and queries), a third chooses nothing, and the loss is measured on these; with fewer,',
    'all choose, and the loss is measured on all.',
    'Ctrl-C ends the search with the best so far. --plan-out also writes the plan, which sends runs that pruning would slow down to the',
    'dense model; meanwhile PLAN.measured is kept up to date, for --resume. Values that a method learns go to PLAN.safetensors. Examples:',
    '',
    '  tp optimize model.onnx --data examples.tsv --max-loss 1 --minutes 5',
    '  tp optimize model.onnx --data examples.tsv --for native --shapes 32 -o fast.onnx',
    '  tp optimize encoder_model.onnx --decoder decoder_model_merged.onnx --data transcripts.tsv --plan-out plan.json',
  ],
  writes: (args, [path = '']) => {
    const plan = args['plan-out']
    return [
      ...outputsOf({ '-o': fileOf(args, path) }, { holdsModel: true }),
      ...outputsOf({
        '--plan-out': plan,
        'its measurements': plan && measuredPath(plan),
        'its trained values': plan && valuesPath(plan),
      }),
    ]
  },
  alone: ['-o', '--plan-out'],
  async run([path = ''], args, context) {
    const { progress, signal, files } = context
    const { data, 'plan-out': planOut } = args
    if (data === undefined)
      throw usageError(
        '--data PATH is missing: labeled examples, or texts for a model that gives vectors; tp prune needs none',
      )
    const out = fileOf(args, path)
    const demands = readDemands(args)
    const isSpeech = args.task === 'asr' || args.decoder !== undefined
    checkSpeech(args, isSpeech)
    await checkNames(args)
    const began = performance.now()
    const file = await endable(() => readModelFile(path, { signal, files }))
    const whole = await asPooled(file, args)
    const seen = await endable(async () => inspect(whole.model))
    if (out !== undefined) inspectEncoders(whole.model, args.encoder, seen)
    await requireKeptRows(whole)
    const examples = await openExamples(whole, { ...args, data }, context)
    const refuseExistingOut = async (): Promise<void> => {
      if (out !== undefined && args.out === undefined && !args.force) await refuseExisting(out)
    }
    await refuseExistingOut()
    if (out !== undefined) await tryRoomFor(out, file.path)
    const measured = planOut === undefined ? undefined : measuredPath(planOut)
    const found = await searchPlan(whole, examples, args, context)
    const { optimized, work, weights, deadline } = found
    if (planOut !== undefined && measured !== undefined) {
      if (found.learned !== undefined) await replaceFile(valuesPath(planOut), found.learned)
      await replaceFile(planOut, new TextEncoder().encode(`${JSON.stringify(optimized, null, 2)}\n`))
      if (signal.aborted)
        progress.note(`[tp] ${measured} holds what was measured; run the same command with --resume to continue`)
      else await removeCheckpointFile(measured)
    }
    const values = planOut !== undefined && found.learned !== undefined ? valuesPath(planOut) : weights
    const planned = planOut && describePlan(optimized, { ...args, model: path, out: planOut, weights: values })
    const verdict = verdictOfPlan(optimized, demands)
    const exit = verdict.passed ? EXIT.done : EXIT.belowThreshold
    if (out === undefined) {
      const content = { model: path, planOut, plan: optimized, ...work, verdict }
      return { content, text: [planned, verdict.text].join('\n'), code: exit }
    }
    progress.stage(`pruning ${basename(path)}`)
    const read = await readFound(found, args)
    const how = { trace: false, monitor: false, outputTokens: false, deadTokens: true }
    const attempt = await endable(() => pruneByPlan(whole, read, { ...how, seen, isDefault: false }))
    const written = await writeAttempt(
      attempt,
      { whole: file, out, verify: true, decoder: undefined, beforeCommit: refuseExistingOut },
      // After Ctrl-C the best so far is written all the same.
      { ...context, signal: deadline },
    ).catch((error: unknown) => {
      progress.note(planThatRemains(read.plan, planOut))
      throw error
    })
    const notes = [...(found.plan.quantize?.reduceRange ? [SEVEN_BITS] : []), searchText(optimized, work)]
    const report = await writtenReport({ file, whole, out, attempt, written, notes, began })
    const { figures } = optimized
    const search = {
      ...work,
      ...(planOut === undefined ? { figures } : { planOut, plan: optimized }),
    }
    const texts = [planned, describePruning(report, attempt.pruned, attempt.pruned.options.method)]
    const losses = planned === undefined ? describeLoss(figures) : []
    const text = [...texts.filter((own) => own !== undefined), [...losses, verdict.text].join('\n')].join('\n\n')
    const content = { ...report, plan: found.plan, search, verdict }
    return { content, text, code: exit, ...(found.learned && { values: found.learned }) }
  },
})

/** The pruned file, if one is written. */
function fileOf(args: Pick<OptimizeArguments, 'out' | 'plan-out'>, path: string): string | undefined {
  return args.out ?? (args['plan-out'] === undefined ? defaultOutput(path) : undefined)
}

/** Examples as the task of a model takes them; of a model that gives vectors also without labels. */
async function openExamples(
  file: ModelFile,
  args: OptimizeArguments & { readonly data: string },
  context: Context,
): Promise<TaskInputs> {
  const { runtime = nodeRuntime(), signal } = context
  const isOpen = args.task === undefined && args.decoder === undefined
  const isEmbedder = isOpen && (await fileGivesVectors(file, runtime, signal))
  const reading = isEmbedder ? { ...args, task: 'embeddings' as const } : args
  const opened = await openTaskInputs(file.path, args.data, batchSizeOf(file), reading, context)
  for (const note of opened.inputs.notes) context.progress.note(note)
  return opened
}

/** A found plan, with what the options add to it. */
async function readFound({ plan: found, weights, learned }: FoundPlan, args: OptimizeArguments): Promise<ReadPlan> {
  const { restore, outputs } = readSettings(args)
  const plan = { ...found, ...(restore !== undefined && { restore }), ...(outputs !== undefined && { outputs }) }
  const methods = [...(await loadMethods(args.plugin)).values()].map(({ entry }) => entry)
  return {
    plan,
    methods,
    method: fromPlan(plan, methods).method,
    values: learned === undefined ? await readWeights(weights) : readSafetensors(learned),
  }
}

/** Options that mean something only for models with classes. */
const ofClasses = [
  ...(['confident', 'cascade', 'float32', 'all-layers', 'shapes', 'out', 'minutes'] as const),
  ...(['protect', 'protect-segment', 'separator'] as const),
]

/** @throws TpError TP_USAGE */
function checkSpeech(args: OptimizeArguments, isSpeech: boolean): void {
  if (!isSpeech) return
  const idle = ofClasses.find((name) => args[name] !== undefined)
  if (idle !== undefined) throw usageError(`--${idle} does not go with --task asr`)
  if (args['plan-out'] === undefined)
    throw usageError('--plan-out PLAN is missing: tp prune --plan PLAN --decoder FILE then writes both files')
}
