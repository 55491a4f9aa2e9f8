import { inputRoles, isText } from '@tp/compare'
import { needsValues } from '@tp/core/host'
import { throwIfAborted } from '@tp/core/runtime'
import { openSpeechDecoder, readModelFolder } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import { nodeRuntime } from '@tp/runtime-node'
import { fingerprint } from '@tp/train'
import {
  type Measurements,
  type Skipped,
  type TunedPlan,
  type TuneOptions,
  type TuneProgress,
  tune,
  tuneSpeech,
} from '@tp/tune'
import type { Arguments } from '../command/arguments.ts'
import { type Command, command } from '../command/command.ts'
import { EXIT } from '../command/exit-code.ts'
import { usageError } from '../command/usage-error.ts'
import { number } from '../command/values.ts'
import { outputsOf } from '../files/file-claims.ts'
import { replaceFile } from '../files/replace-file.ts'
import { removeWithWaiting } from '../files/write-file.ts'
import { benchShapes } from '../measuring/bench-shapes.ts'
import { asPooled, requireKeptRows } from '../model/as-pooled.ts'
import { givesVectors } from '../model/gives-vectors.ts'
import { loadSession } from '../model/load-session.ts'
import { readModelFile } from '../model/model-file.ts'
import { dataOptions } from '../model/open-inputs.ts'
import { openTaskInputs, taskOption } from '../model/open-task-inputs.ts'
import { jsonDocument } from '../output/document.ts'
import { findMethod, loadMethods, type MethodCatalog } from '../plugins/load-methods.ts'
import { openRuntime, runtimeOption } from '../plugins/open-runtime.ts'
import { pruningOptions } from '../pruning/options.ts'
import { readSettings } from '../pruning/read-fields.ts'
import { segmentOf } from '../pruning/segment.ts'
import { describePlan } from '../tuning/describe.ts'
import { tuningInputs } from '../tuning/inputs.ts'
import { measuredPath, readMeasured, writeMeasured } from '../tuning/measured-file.ts'
import { stageNames, stages, usualMethods } from '../tuning/usual-methods.ts'
import { fingerprintOf, takesTrainedValues, variantsOf } from '../tuning/variants.ts'

const options = {
  out: { type: 'string', short: 'o', value: 'PLAN', description: 'the plan to write, JSON' },
  ...dataOptions,
  task: {
    type: 'string',
    value: 'asr',
    description: 'of an encoder of speech: chosen by the words that --decoder gets wrong; other models need no task',
  },
  decoder: taskOption.decoder,
  methods: {
    type: 'string',
    value: 'NAME,NAME…',
    description:
      'what is chosen from; default: methods without training that suit texts, vectors of texts, speech, or images and sounds, and those of --plugin',
  },
  'max-loss': {
    type: 'string',
    value: 'POINTS',
    is: 'from 0',
    description:
      'points that may be lost: of accuracy; of nDCG@10 where pairs are ranked; of word errors of speech; of vectors hundredths of the cosine to the dense ones; default 0.5',
  },
  confident: {
    type: 'boolean',
    description:
      'the whole 95 % interval of the loss must be within that, not its estimate alone; for 1 point that takes 968 examples or more',
  },
  cascade: {
    type: 'boolean',
    description: 'uncertain answers may fall back to the dense model (cascade of @tp/guard)',
  },
  quantize: {
    type: 'boolean',
    description: '8-bit weights may be chosen, too: alone, or after pruning; tp prune --plan then writes them',
  },
  'leave-out': {
    type: 'boolean',
    description:
      'layers may be left out instead of pruning tokens, up to half of them; in 8 bits, too, with --quantize',
  },
  runtime: { ...runtimeOption.runtime, description: `what is tuned for; ${runtimeOption.runtime.description}` },
  shapes: {
    type: 'string',
    value: 'BxN,…',
    is: 'shapes',
    description: 'runs that have to be fast, batch × tokens; default: one by one, at the lengths of the data',
  },
  encoder: {
    ...pruningOptions.encoder,
    description:
      'the encoder to prune in a file of several (tp inspect lists them); default: the first that can be pruned',
  },
  weights: { ...pruningOptions.weights, description: `of what --methods names: ${pruningOptions.weights.description}` },
  protect: pruningOptions.protect,
  'protect-segment': pruningOptions['protect-segment'],
  separator: pruningOptions.separator,
  plugin: pruningOptions.plugin,
  resume: { type: 'boolean', description: 'resume with the measurements of an interrupted tuning' },
  json: { type: 'boolean', description: 'print one JSON document' },
} as const

export const tuneCommand: Command = command({
  options,
  notes: [
    'Schedules follow from times of the segments of the model on this device and from how far the answers move when tokens',
    'are pruned at one layer; of the most promising the fastest that loses no more than is allowed is taken, and verified on',
    'examples that were not used for choosing. Runs that it would slow down go to the dense model. While it works,',
    'PLAN.measured is kept up to date, also on Ctrl-C, and removed at the end. Examples:',
    '',
    '  tp tune model.onnx --data calibration.tsv --max-loss 1 -o plan.json',
    '  tp tune model.onnx --data calibration.tsv --max-loss 1 --confident --cascade -o plan.json',
    '  tp prune model.onnx --plan plan.json -o pruned.onnx',
    '  tp tune encoder_model.onnx --decoder decoder_model_merged.onnx --data transcripts.tsv -o plan.json',
    '  tp tune model.onnx --data calibration.tsv --quantize --methods sdtp --weights sdtp.safetensors -o plan.json',
    '  tp tune embedder.onnx --data texts.txt --quantize --leave-out --max-loss 1 -o plan.json',
  ],
  writes: ({ out }) => outputsOf({ '-o': out, 'its measurements': out && measuredPath(out) }),
  alone: true,
  async run([path = ''], given, context) {
    const { print, progress, signal, files } = context
    const { out, data, json = false, resume = false, confident = false, cascade = false, quantize = false } = given
    const { runtime, weights, plugin = [] } = given
    if (out === undefined) throw usageError('-o PLAN is missing: the file to write')
    if (data === undefined)
      throw usageError('--data PATH is missing: labeled examples to choose by, or texts for a model that gives vectors')
    const maxLoss = given['max-loss'] === undefined ? 0.5 : number('max-loss', given['max-loss'])
    const isSpeech = given.task !== undefined || given.decoder !== undefined
    checkSpeechOptions(given, isSpeech)
    const began = performance.now()
    const catalog = await loadMethods(plugin)
    const named = given.methods?.split(',').map((name) => name.trim())
    for (const name of named ?? []) findMethod(catalog, name)
    const device = await openRuntime(runtime)
    const file = await asPooled(await readModelFile(path, context), given)
    await requireKeptRows(file)
    const roles = inputRoles(file.model)
    const embeds = await givesVectors(file, context)
    const names = named ?? [
      ...usualMethods[isSpeech ? 'speech' : embeds ? 'vectors' : isText(roles) ? 'text' : 'other'],
      ...methodsOf(catalog, plugin),
    ]
    const entries = names.map((name) => findMethod(catalog, name))
    // The default methods are optional: one that the model cannot serve is skipped.
    const optional = given.methods === undefined
    const variants = (await variantsOf(entries, weights)).map((variant) => ({ ...variant, optional }))
    const load: NonNullable<TuneOptions['load']> = (own, model, { threads }) =>
      loadSession(model, file, { runtime: own, threads, signal })
    const { protect, encoder, ...segment } = readSettings(given)
    const protection = { ...(protect !== undefined && { protect }), ...(await segmentOf(file, segment)) }
    const common = { ...(encoder !== undefined && { encoder }), ...protection }
    const trained = weights === undefined ? '' : ` ${await fingerprintOf(weights)}`
    const kept = Object.keys(common).length === 0 ? '' : ` ${JSON.stringify(common)}`
    const measured = measuredPath(out)
    const commonFor = async (inputs: ModelInputs) => {
      for (const note of inputs.notes) progress.note(note)
      const about = `${file.hash()} ${await fingerprint(inputs)} ${(await device.diagnose()).version}${trained}${kept}`
      progress.expect?.(stageNames.length)
      progress.stage('preparing', 0)
      let stage: TuneProgress['stage'] | undefined
      return {
        ...{ model: file.model, variants, maxLoss, load, signal },
        ...(resume && { known: await readMeasured(measured, about) }),
        onMeasured: (known: Measurements) => writeMeasured(measured, { about, known }),
        onProgress(at: TuneProgress) {
          if (at.stage !== stage) progress.stage(stages[at.stage], stageNames.indexOf(at.stage))
          stage = at.stage
          progress.step(at.done, at.total, at.best === undefined ? undefined : `best so far ${at.best}`)
        },
        onSkipped: ({ name, reason }: Skipped) => progress.note(`${name} is not tried: ${reason}`),
      }
    }
    const tuned = async (): Promise<TunedPlan> => {
      if (isSpeech) {
        const opened = await openTaskInputs(path, data, 1, given, context)
        if (opened.task !== 'asr')
          throw usageError('--task asr requires --decoder FILE, which writes down what the model hears')
        await using session = await device.load(opened.decoder, { threads: 1, signal })
        const decoder = await openSpeechDecoder(session, opened.decoder)
        return await tuneSpeech({
          ...(await commonFor(opened.inputs)),
          inputs: opened.inputs,
          decoder,
          runtime: device,
        })
      }
      const { maxTokens } = await readModelFolder(path)
      const shapes = given.shapes === undefined ? undefined : benchShapes(given.shapes, roles, maxTokens)
      const inputs = await tuningInputs(file, { ...given, data }, embeds, context)
      return await tune({
        ...(await commonFor(inputs)),
        ...{ inputs, runtime: nodeRuntime(), device, protection, confident, cascade },
        ...(encoder !== undefined && { encoder }),
        leaveOut: given['leave-out'] ?? false,
        ...(quantize && { quantize: {} }),
        ...(shapes && {
          shapes: shapes.map(({ batch, tokens }) => ({ batch, ...(tokens !== undefined && { tokens }) })),
        }),
      })
    }
    const plan = await tuned().catch(async (error: unknown) => {
      if (signal.aborted && (await files.written()).includes(measured))
        progress.note(`[tp] stopped; ${measured} holds what was measured: the same command with --resume goes on`)
      throw error
    })
    throwIfAborted(signal, 'tp')
    await replaceFile(out, new TextEncoder().encode(`${JSON.stringify(plan, null, 2)}\n`))
    await removeWithWaiting(measured)
    progress.end()
    const seconds = Math.round((performance.now() - began) / 100) / 10
    const own = entries.find(({ name }) => name === plan.regimes.at(-1)?.plan.method)
    const about = { model: path, out, weights: own && takesTrainedValues(own) ? weights : undefined }
    print(json ? jsonDocument('tune', { model: path, out, plan, seconds }) : describePlan(plan, about))
    return EXIT.done
  },
})

/** Options that mean something only for models with classes. */
const ofClasses = [
  'confident',
  'cascade',
  'quantize',
  'leave-out',
  'shapes',
  'protect',
  'protect-segment',
  'separator',
] as const

/** @throws TpError TP_USAGE */
function checkSpeechOptions(given: Arguments<typeof options>, isSpeech: boolean): void {
  if (!isSpeech) return
  if (given.task !== undefined && given.task !== 'asr')
    throw usageError(`--task is "${given.task}"; tp tune finds out what other models are for, so it may only be asr`)
  if (given.decoder === undefined)
    throw usageError('--task asr requires --decoder FILE, which writes down what the model hears')
  const idle = ofClasses.find((name) => given[name] !== undefined)
  if (idle !== undefined) throw usageError(`--${idle} does not go with --task asr`)
}

/** The methods of plugins that can be tried as they are, without trained values. */
function methodsOf(catalog: MethodCatalog, plugins: readonly string[]): string[] {
  const own = [...catalog.values()].filter(({ from }) => plugins.includes(from))
  return own.filter(({ entry }) => !needsValues(entry.create())).map(({ entry }) => entry.name)
}
