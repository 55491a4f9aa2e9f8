import { basename } from 'node:path'
import type { Runtime } from '@tp/core/runtime'
import type { ScoredPairs, SearchData } from '@tp/data'
import { type ShiftedSet, shiftedSets } from '@tp/data/shifts'
import { type Arguments, under } from '../command/arguments.ts'
import { type Command, command } from '../command/command.ts'
import type { Context } from '../command/context.ts'
import { EXIT } from '../command/exit-code.ts'
import { usageError } from '../command/usage-error.ts'
import { evaluateGeneration, generationOptions } from '../decoding/evaluate-generation.ts'
import { describeGuarded, guardedContent } from '../guarding/describe.ts'
import { measureGuarded, readGuardFile } from '../guarding/guarded-rows.ts'
import { flipOptions, flipTexts, readFlips } from '../measuring/ask-flips.ts'
import { betweenContent, describeBetween } from '../measuring/between-rows.ts'
import { comparedMethods } from '../measuring/compared-methods.ts'
import { describeFlips, flipsContent } from '../measuring/describe-flips.ts'
import { measureRows } from '../measuring/measure-rows.ts'
import { describeShifts, type MeasuredShifts, measureShifts } from '../measuring/measure-shifts.ts'
import { describeRows, describeVerdicts, rowContent } from '../measuring/rows.ts'
import { readShifts } from '../measuring/shift-names.ts'
import { TIMED_EXAMPLES } from '../measuring/time-in-turns.ts'
import { titleOf } from '../measuring/title.ts'
import { type PrunedVariant, pruneVariants } from '../measuring/variants.ts'
import { asPooled } from '../model/as-pooled.ts'
import { readModelFile } from '../model/model-file.ts'
import { batchSizeOf, dataOptions, openData, openInputs } from '../model/open-inputs.ts'
import { openTaskInputs, readTask, type TaskInputs, taskOption } from '../model/open-task-inputs.ts'
import { jsonDocument } from '../output/document.ts'
import { openRuntime, runtimeOption } from '../plugins/open-runtime.ts'
import { comparedAmountOptions, readComparedAmounts, removeByParam } from '../pruning/amounts.ts'
import { leaveOutOption, readLeaveOut } from '../pruning/leave-out.ts'
import { pruningOptions, readSettings } from '../pruning/plan-options.ts'
import { inspectFile } from '../pruning/request.ts'

const options = {
  methods: {
    type: 'string',
    value: 'NAME,NAME…',
    description: 'prune by each of these, and by none; default: the original model',
  },
  shift: {
    type: 'string',
    value: 'NAME[:SEVERITY],…|suite',
    description:
      'on shifted data, too: what pruning loses there, and how much more than in distribution; without times',
  },
  guard: {
    type: 'string',
    value: 'FILE',
    reads: 'file',
    description:
      'MODEL is pruned: evaluate it also with what tp calibrate or tp tune --cascade has written; needs --against',
  },
  against: { type: 'string', value: 'DENSE', reads: 'model', description: 'the dense model, for --guard' },
  ...runtimeOption,
  json: { type: 'boolean', description: 'print one JSON document' },
  ...under('Data', dataOptions),
  ...under('How tokens are pruned', {
    ...comparedAmountOptions,
    ...pruningOptions,
    'leave-out': {
      ...leaveOutOption['leave-out'],
      multiple: true,
      description: 'also without these layers, and no token pruned: what pruning has to beat; once for each row',
    },
  }),
  ...under('What is judged', {
    ...taskOption,
    'late-interaction': {
      type: 'boolean',
      description:
        'of a folder in the layout of BEIR: search by a vector for each token and the sum of the largest similarities, as ColBERT does',
    },
    ...flipOptions,
    ...generationOptions,
  }),
} as const

export const evalCommand: Command = command({
  options,
  notes: [
    'Every row is compared with "dense", the original file; "none" is the same without its dead tokens, like all other rows.',
    'McNemar p: how likely a difference at least as large is if both models are equally good (mid-p). --keep and the other',
    'amounts may be given several times. random is the mean of five seeds. Times are of one example and one thread, all rows',
    `alternately, on ${TIMED_EXAMPLES} examples of all lengths. An example:`,
    '',
    '  tp eval model.onnx --data dev.tsv --methods random,received-attention --keep 0.7 --keep 0.5',
    '',
    'Of a model that gives vectors, --data may be a folder in the layout of BEIR (corpus.jsonl, queries.jsonl, qrels/*.tsv): what',
    'pruning loses where queries, documents or both are pruned, and which of these is safe (the whole interval within 1 point',
    'of nDCG@10); or a table of pairs of texts with scores (STS: Spearman, 0.5 points).',
    '',
    'Of an encoder of speech, --decoder names the decoder that reads its states, and --data a table of recordings and what is said',
    'in them in English (path<TAB>text, WAV of up to 30 s): word errors (WER), how many more than of the dense encoder, and times with',
    'and without the decoder.',
    '',
    'Of a decoder, --task generation, and --data a plain text (.txt), in which numbers are hidden and asked for, and whose continuation is',
    'predicted; or a table with the columns prompt (or message, in the chat template) and answer (or continuation).',
    '',
    '--shift suite is every shift at severities 1, 3 and 5, and texts by length; --shift typos:3,length is what it names,',
    'and a name that is not there lists all.',
  ],
  async run([path = ''], asked, outer) {
    const given = { ...asked, ...removeByParam(asked) }
    const runtime = await openRuntime(given.runtime)
    const context = { ...outer, runtime }
    const { print, progress, signal } = context
    const { data, json = false } = given
    if (data === undefined) throw usageError('--data PATH is missing: what to evaluate on')
    if (given.task === 'generation') {
      print(await evaluateGeneration(path, data, given, context))
      return EXIT.done
    }
    const ofDecoders = Object.keys(generationOptions).find((name) => Object.hasOwn(given, name))
    if (ofDecoders !== undefined) throw usageError(`--${ofDecoders} is for --task generation`)
    if (given.guard !== undefined || given.against !== undefined)
      return await evaluateGuarded(path, data, given, context)
    const amounts = readComparedAmounts(given)
    const leaveOut = given['leave-out']?.map(readLeaveOut)
    const methods = given.methods?.split(',').map((name) => name.trim()) ?? (leaveOut && [])
    const settings = readSettings(given)
    const flips = readFlips(given)
    readTask(given.task)
    if (methods !== undefined) await comparedMethods(methods, settings.params, given.plugin ?? [])
    const file = await asPooled(await readModelFile(path, context), given)
    if (methods === undefined) refuseIdle(given)
    const inspection = methods && inspectFile(file, settings.inPlan.encoder)
    const variants: PrunedVariant[] = []
    if (methods && inspection) {
      progress.stage(`pruning ${basename(path)}`)
      const plugins = given.plugin ?? []
      variants.push(...(await pruneVariants({ file, methods, amounts, leaveOut, settings, plugins, signal })))
    }
    const batchSize = batchSizeOf(file)
    if (given.shift !== undefined) {
      const alone = ['late-interaction', ...Object.keys({ ...flipOptions, ...taskOption })].find((name) =>
        Object.hasOwn(given, name),
      )
      if (alone !== undefined)
        throw usageError(`--${alone} and --shift do not go together: shifts are of classes, and are counted only`)
      print(
        await evaluateShifts(
          { ...given, data, shift: given.shift },
          { file, inspection, variants, batchSize },
          context,
        ),
      )
      return EXIT.done
    }
    const opened = withTokens(await openTaskInputs(path, data, batchSize, given, context), given)
    const { task, inputs } = opened
    if (flips !== undefined && task !== 'classification') throw usageError('--flips is for models that give classes')
    for (const note of inputs.notes) progress.note(note)
    const rows = await measureRows({ file, inspection, variants, data: opened, batchSize, flips }, context)
    const texts = await flipTexts(path, rows, { inputs, batchSize, inspection, given })
    progress.end()
    const content = {
      ...{ model: path, data, task, examples: inputs.targets.length, notes: inputs.notes },
      ...(opened.task === 'embeddings' && opened.judged && { judged: judgedContent(opened.judged) }),
      rows: rows.map((row) => ({
        ...rowContent(row),
        ...(row.flips && { flips: flipsContent(row.flips, texts) }),
      })),
      between: betweenContent(rows),
    }
    if (json) {
      print(jsonDocument('eval', content))
      return EXIT.done
    }
    const between = describeBetween(rows)
    const verdicts = describeVerdicts(rows)
    const tables = [
      `${await titleOf(path, inputs, inspection, runtime)}\n${describeRows(rows)}`,
      ...(verdicts === '' ? [] : [verdicts]),
      ...(between === '' ? [] : [between]),
      ...(flips ? [describeFlips(rows, inputs.targets.length, texts)] : []),
    ]
    print(tables.join('\n\n'))
    return EXIT.done
  },
})

/** @throws TpError TP_USAGE */
function withTokens(
  opened: TaskInputs,
  { 'late-interaction': byToken = false }: Arguments<typeof options>,
): TaskInputs {
  if (!byToken) return opened
  if (opened.task === 'embeddings' && opened.judged !== undefined && 'relevant' in opened.judged)
    return { ...opened, byToken }
  throw usageError('--late-interaction is for models that give vectors, and --data a folder in the layout of BEIR')
}

/** A pruned model with a cascade and a monitor, compared with the dense one. */
async function evaluateGuarded(
  path: string,
  data: string,
  given: Arguments<typeof options>,
  context: Context & { readonly runtime: Runtime },
): Promise<number> {
  const { guard, against, methods, task, json = false } = given
  const { print, progress } = context
  if (guard === undefined) throw usageError('--against requires --guard FILE; tp bench compares two models')
  if (against === undefined) throw usageError('--guard needs the dense model: --against DENSE')
  if (methods !== undefined)
    throw usageError('give --guard or --methods, not both: with --guard MODEL is pruned already')
  const other = (['shift', 'leave-out', 'late-interaction'] as const).find((name) => given[name] !== undefined)
  if (other !== undefined) throw usageError(`give --guard or --${other}, not both`)
  if (task !== undefined) throw usageError('--guard is for classifiers: omit --task')
  refuseIdle(given)
  const [pruned, dense] = [await readModelFile(path, context), await readModelFile(against, context)]
  const content = await readGuardFile(guard, pruned, dense)
  const batchSize = batchSizeOf(pruned)
  const inputs = await openInputs(against, data, batchSize, given, context)
  for (const note of inputs.notes) progress.note(note)
  const figures = await measureGuarded({ pruned, dense, guard: content, inputs, batchSize }, context)
  progress.end()
  const examples = inputs.targets.length
  print(
    json
      ? jsonDocument('eval', {
          model: path,
          against,
          guard,
          data,
          examples,
          notes: inputs.notes,
          ...guardedContent(figures),
        })
      : `${await titleOf(path, inputs, undefined, context.runtime)}\n${describeGuarded(figures)}`,
  )
  return EXIT.done
}

/** What `--shift` prints. `none` answers like dense, and is omitted if there are other methods. */
async function evaluateShifts(
  given: Arguments<typeof options> & { readonly data: string; readonly shift: string },
  prepared: Omit<MeasuredShifts, 'sets'>,
  context: Context & { readonly runtime: Runtime },
): Promise<string> {
  const { progress, signal } = context
  const { path } = prepared.file
  const { dataset, inputs, prepare } = await openData(path, given.data, prepared.batchSize, given, context)
  if (dataset.modality === 'text' && dataset.ranking !== undefined)
    throw usageError('--shift is for models that give classes, and these pairs are ranked')
  const { shifts, lengthBins } = readShifts(given.shift, dataset.modality)
  progress.stage('shifting')
  const onProgress = (done: number, total: number): void => progress.step(done, total)
  const sets = await shiftedSets(dataset, shifts, inputs, { ...prepare, lengthBins, signal, onProgress })
  const [own] = sets as [ShiftedSet]
  for (const note of own.inputs.notes) progress.note(note)
  const others = prepared.variants.filter(({ method }) => method !== 'none')
  const variants = others.length > 0 ? others : prepared.variants
  const report = await measureShifts({ ...prepared, variants, sets }, context)
  progress.end()
  if (given.json) {
    const about = { model: path, data: given.data, examples: own.inputs.targets.length, notes: own.inputs.notes }
    return jsonDocument('shift', { ...about, ...report })
  }
  return `${await titleOf(path, own.inputs, prepared.inspection, context.runtime)}\n${describeShifts(report)}`
}

function judgedContent(judged: SearchData | ScoredPairs): object {
  return 'relevant' in judged
    ? { by: 'relevance', queries: judged.queryCount, documents: judged.documents.length }
    : { by: 'scores', pairs: judged.scores.length }
}

/** No option is ignored silently. */
function refuseIdle(given: Arguments<typeof options>): void {
  const prunes: readonly string[] = Object.keys({ ...comparedAmountOptions, ...pruningOptions, ...flipOptions })
  const idle = Object.keys(given).find((name) => prunes.includes(name))
  if (idle !== undefined) throw usageError(`--${idle} requires --methods NAME,NAME…`)
}
