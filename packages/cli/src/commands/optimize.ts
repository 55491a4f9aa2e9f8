import { basename } from 'node:path'
import { fromPlan, inspect } from '@tp/compiler'
import { throwIfAborted } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import { outputsOf, removeWithWaiting, replaceFile } from '@tp/data/files'
import { spareForCheck } from '@tp/optimize'
import { inspectEncoders, requireKeptRows } from '@tp/plans/files'
import { dataOptions, taskOption } from '../arguments/data-options.ts'
import { demandOptions, readDemands } from '../arguments/demand-options.ts'
import { type Arguments, under } from '../arguments/option.ts'
import { pruningOptions, quantizeOption } from '../arguments/pruning-options.ts'
import { readSettings } from '../arguments/read-fields.ts'
import { runtimeOption } from '../arguments/runtime-option.ts'
import { usageError } from '../arguments/usage-error.ts'
import type { Context } from '../context/context.ts'
import { endable } from '../context/endable.ts'
import { checkFiles } from '../measuring/check-files.ts'
import { asPooled } from '../model/as-pooled.ts'
import { givesVectors } from '../model/gives-vectors.ts'
import { readModelFile } from '../model/model-file.ts'
import { batchSizeOf } from '../model/open-inputs.ts'
import { openTaskInputs, type TaskInputs } from '../model/open-task-inputs.ts'
import { measuredPath } from '../optimizing/measured-file.ts'
import { checkNames, type FoundPlan, requireTunable, searchPlan } from '../optimizing/search.ts'
import { loadMethods } from '../plugins/load-methods.ts'
import { jsonDocument } from '../printing/document.ts'
import { describePlan, searchText } from '../printing/plan-text.ts'
import { describePruning } from '../printing/pruned-report.ts'
import { pruneByPlan } from '../pruning/attempt.ts'
import type { ReadPlan } from '../pruning/read-plan.ts'
import { readWeights } from '../pruning/weights.ts'
import { writeAttempt } from '../pruning/write-attempt.ts'
import { writtenReport } from '../pruning/written-report.ts'
import { SEVEN_BITS } from '../quantizing/quantize-file.ts'
import { type Command, command } from './command.ts'
import { defaultOutput, refuseExisting } from './default-output.ts'
import { EXIT } from './exit-code.ts'

const options = {
  out: {
    type: 'string',
    short: 'o',
    value: 'OUT',
    description:
      'pruned file to write; default: MODEL.pruned.onnx next to the model, unless it exists; none with --plan-out',
  },
  'plan-out': {
    type: 'string',
    value: 'PLAN',
    description: 'plan to write, as JSON for tp prune --plan, tp serve and tp run',
  },
  force: { type: 'boolean', description: 'replace an existing MODEL.pruned.onnx; -o always replaces its file' },
  resume: {
    type: 'boolean',
    description: 'resume with the measurements of an interrupted search',
    needs: ['plan-out'],
  },
  json: { type: 'boolean', description: 'print one JSON document' },
  ...under('Data', { ...dataOptions, ...taskOption }),
  ...under('Requirements', {
    ...demandOptions,
    minutes: {
      type: 'string',
      value: 'M',
      is: 'positive',
      description: 'about how long to search; default 10, or with --plan-out until everything has been tried',
    },
    runtime: {
      ...runtimeOption.runtime,
      description: `the runtime to optimize for; ${runtimeOption.runtime.description}`,
    },
    shapes: {
      type: 'string',
      value: 'BxN,…',
      is: 'shapes',
      description: 'runs that must be fast, batch × tokens; default: one by one, at the lengths of the data',
    },
  }),
  ...under('Candidates', {
    methods: {
      type: 'string',
      value: 'NAME,NAME…',
      description:
        'methods to choose from; default: methods without training that suit texts, vectors of texts, speech, or images and sounds, and those of --plugin',
    },
    weights: {
      ...pruningOptions.weights,
      description: `for the methods of --methods: ${pruningOptions.weights.description}`,
    },
    plugin: pruningOptions.plugin,
    quantize: {
      ...quantizeOption.quantize,
      description: 'also try 8-bit weights, alone or after pruning',
    },
    'leave-out': {
      type: 'boolean',
      description:
        'also try leaving out layers instead of pruning tokens, up to half of them; in 8 bits, too, with --quantize',
    },
    cascade: {
      type: 'boolean',
      description: 'let uncertain answers fall back to the dense model (cascade of @tp/guard)',
      needs: ['plan-out'],
      excludes: ['out'],
      because: 'a cascade takes two models at run time',
    },
    encoder: {
      ...pruningOptions.encoder,
      description:
        'the encoder to prune, in a file with several (tp inspect lists them); default: the first that can be pruned',
    },
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
  notes: [
    'tp optimize times the segments of the model on this device, measures how far the answers move when tokens are pruned at one layer, and',
    'derives schedules from both. Of the most promising ones it takes the fastest within --max-loss, by all examples (with --confident, by',
    'some, and verified on others). Then it writes the pruned file and gives a verdict on a third of the examples, which chose nothing, as tp',
    'check does. With --plan-out it writes the plan, which sends runs that pruning would slow down to the dense model; meanwhile it keeps',
    'PLAN.measured up to date, even on Ctrl-C, and removes it at the end. Examples:',
    '',
    '  tp optimize model.onnx --data examples.tsv --max-loss 1 --minutes 5 --quantize',
    '  tp optimize model.onnx --data examples.tsv --max-loss 1 --confident --cascade --plan-out plan.json',
    '  tp optimize encoder_model.onnx --decoder decoder_model_merged.onnx --data transcripts.tsv --plan-out plan.json',
    '  tp optimize model.onnx --data examples.tsv --quantize --methods sdtp --weights sdtp.safetensors -o fast.onnx',
    '  tp optimize embedder.onnx --data texts.txt --quantize --leave-out --max-loss 1 --plan-out plan.json',
  ],
  writes: (args, [path = '']) => {
    const plan = args['plan-out']
    return [
      ...outputsOf({ '-o': fileOf(args, path) }, { holdsModel: true }),
      ...outputsOf({ '--plan-out': plan, 'its measurements': plan && measuredPath(plan) }),
    ]
  },
  alone: 'plan-out',
  async run([path = ''], args, context) {
    const { print, progress, signal, files } = context
    const { data, json = false, 'plan-out': planOut } = args
    if (data === undefined)
      throw usageError('--data PATH is missing: labeled examples to choose by, or texts for a model that gives vectors')
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
    requireTunable(examples)
    const { tuning, checking } = out === undefined ? { tuning: examples, checking: undefined } : spared(examples)
    const refuseExistingOut = async (): Promise<void> => {
      if (out !== undefined && args.out === undefined && !args.force) await refuseExisting(out)
    }
    await refuseExistingOut()
    const measured = planOut === undefined ? undefined : measuredPath(planOut)
    const found = await searchPlan(whole, tuning, args, context).catch(async (error: unknown) => {
      if (measured !== undefined && signal.aborted && (await files.written()).includes(measured))
        progress.note(`[tp] stopped; ${measured} holds what was measured: the same command with --resume goes on`)
      throw error
    })
    throwIfAborted(signal, 'tp')
    if (planOut !== undefined && measured !== undefined) {
      await replaceFile(planOut, new TextEncoder().encode(`${JSON.stringify(found.tuned, null, 2)}\n`))
      await removeWithWaiting(measured)
    }
    const { seconds, weights } = found
    const planned =
      planOut === undefined ? undefined : describePlan(found.tuned, { model: path, out: planOut, weights })
    if (out === undefined || checking === undefined) {
      progress.end()
      const content = { model: path, planOut, plan: found.tuned, seconds }
      print(json ? jsonDocument('optimize', content) : (planned as string))
      return EXIT.done
    }
    progress.stage(`pruning ${basename(path)}`)
    const read = await readFound(found, args)
    const how = { trace: false, monitor: false, outputTokens: false, deadTokens: true, repairs: false }
    const attempt = await endable(() => pruneByPlan(whole, read, { ...how, seen, isDefault: false }))
    const writing = { whole: file, out, verify: true, decoder: undefined, beforeCommit: refuseExistingOut }
    const written = await writeAttempt(attempt, writing, context)
    const pruned = await readModelFile(out, { signal })
    const check = await checkFiles({ pruned, dense: whole, source: data, data: checking, demands }, context)
    const notes = [...(found.plan.quantize?.reduceRange ? [SEVEN_BITS] : []), searchText(found)]
    const report = await writtenReport({ file, whole, out, attempt, written, notes, began })
    progress.end()
    if (json) {
      const { tuned, isCutShort } = found
      const search = planOut === undefined ? { figures: tuned.figures } : { planOut, plan: tuned }
      const content = { ...report, tuned: { seconds, isCutShort, ...search }, check: check.content }
      print(jsonDocument('optimize', content))
    } else {
      const texts = [
        ...(planned === undefined ? [] : [planned]),
        describePruning(report, attempt.pruned, attempt.pruned.options.method),
      ]
      print([...texts, check.text].join('\n\n'))
    }
    return check.verdict.passed ? EXIT.done : EXIT.belowThreshold
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
  const isSpeech = args.decoder !== undefined
  const task = args.task ?? (!isSpeech && (await givesVectors(file, context)) ? 'embeddings' : undefined)
  const reading = { ...args, ...(task !== undefined && { task }) }
  const opened = await openTaskInputs(file.path, args.data, batchSizeOf(file), reading, context)
  for (const note of opened.inputs.notes) context.progress.note(note)
  return opened
}

/** Examples to choose by, and others for the verdict; texts that people have judged are both, since vectors are tuned without judgments. */
function spared(examples: TaskInputs): { readonly tuning: TaskInputs; readonly checking: TaskInputs } {
  if (examples.task === 'tokens' || examples.task === 'asr') return { tuning: examples, checking: examples }
  if (examples.task === 'embeddings' && examples.judged !== undefined) return { tuning: examples, checking: examples }
  const { tuning, checking } = spareForCheck(examples.inputs)
  return { tuning: { ...examples, inputs: tuning }, checking: { ...examples, inputs: checking } }
}

/** A found plan, with what the options add to it. */
async function readFound({ plan: found, weights }: FoundPlan, args: OptimizeArguments): Promise<ReadPlan> {
  const { restore, outputs } = readSettings(args)
  const plan = { ...found, ...(restore !== undefined && { restore }), ...(outputs !== undefined && { outputs }) }
  const methods = [...(await loadMethods(args.plugin)).values()].map(({ entry }) => entry)
  return { plan, methods, method: fromPlan(plan, methods).method, values: await readWeights(weights) }
}

/** Options that mean something only for models with classes. */
const ofClasses = [
  ...(['confident', 'cascade', 'quantize', 'leave-out', 'shapes', 'out', 'minutes'] as const),
  ...(['protect', 'protect-segment', 'separator'] as const),
]

/** @throws TpError TP_USAGE */
function checkSpeech(args: OptimizeArguments, isSpeech: boolean): void {
  if (!isSpeech) return
  if (args.decoder === undefined)
    throw usageError('--task asr requires --decoder FILE, which writes down what the model hears')
  const idle = ofClasses.find((name) => args[name] !== undefined)
  if (idle !== undefined) throw usageError(`--${idle} does not go with --task asr`)
  if (args['plan-out'] === undefined)
    throw usageError('--plan-out PLAN is missing: tp prune --plan PLAN --decoder FILE then writes both files')
}
