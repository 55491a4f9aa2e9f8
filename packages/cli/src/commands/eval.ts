import { basename } from 'node:path'
import { compareVariants, TIMED_EXAMPLES, TIMING_MS, type VariantToCompare } from '@tp/compare'
import type { Inspection } from '@tp/compiler'
import type { ModelFile, ScoredPairs, SearchData, TaskData } from '@tp/data'
import { loadFile, loadSession } from '@tp/data/files'
import { weighingDecoder } from '@tp/optimize/files'
import { inspectEncoders } from '@tp/plans/files'
import { nodeRuntime } from '@tp/runtime-node'
import { dataOptions, taskOption } from '../arguments/data-options.ts'
import { type Arguments, flag, needing, text, under } from '../arguments/option.ts'
import { comparedAmountOptions, leaveOutOption, pruningOptions } from '../arguments/pruning-options.ts'
import { readComparedAmounts, readSettings, readWritten } from '../arguments/read-fields.ts'
import { runtimeOption } from '../arguments/run-options.ts'
import { usageError } from '../arguments/usage-error.ts'
import type { Context } from '../context/context.ts'
import { endable } from '../context/endable.ts'
import { titleOf } from '../measuring/title.ts'
import { comparedMethods, namedVariants, type VariantRow } from '../measuring/variants.ts'
import { asPooled } from '../model/as-pooled.ts'
import { readModelFile } from '../model/model-file.ts'
import { batchSizeOf, openTaskInputs, type TaskInputs, withTaskData } from '../model/open-task-inputs.ts'
import { openRuntime } from '../plugins/open-runtime.ts'
import { betweenContent, describeBetween } from '../printing/between-rows.ts'
import { originalName } from '../printing/made-from.ts'
import { evaluation, timing } from '../printing/progress.ts'
import { describeRows, describeVerdicts, type ResultRow, rowContent } from '../printing/rows.ts'
import { type Command, command } from './command.ts'

const options = {
  methods: text('NAME,NAME…', 'methods to compare; default: the original alone; none is always among them'),
  ...runtimeOption,
  ...under('Data', { ...dataOptions, data: { ...dataOptions.data, required: 'examples to evaluate on' } }),
  ...under('How tokens are pruned', {
    ...needing(['methods', 'leave-out'], { ...comparedAmountOptions, ...pruningOptions }),
    'leave-out': {
      ...leaveOutOption['leave-out'],
      multiple: true,
      description:
        'also measure the model without these layers; with no token pruned, as a baseline; once for each row',
    },
  }),
  ...under('Judging', {
    ...taskOption,
    'late-interaction': flag(
      'search by a vector for each token, as ColBERT does; by the sum of the largest similarities, for a folder in the layout of BEIR',
    ),
  }),
} as const

export const evalCommand: Command = command({
  options,
  notes: [
    'Every row is compared with "dense", the original file; "none" is the same without its dead tokens, like all other rows.',
    'McNemar p: how likely a difference at least as large is if both models are equally good (mid-p). --keep and the other',
    'amounts may be repeated. random is the mean of five seeds. Times are for one example and one thread, all rows in',
    `turns, on ${TIMED_EXAMPLES} examples of all lengths. An example:`,
    '',
    '  tp eval model.onnx --data dev.tsv --methods random,received-attention --keep 0.7 --keep 0.5',
    '',
    'For a model that gives vectors, --data may be a folder in the layout of BEIR (corpus.jsonl, queries.jsonl, qrels/*.tsv): the table then',
    'shows the loss where queries, documents or both are pruned, and which of these is safe (the whole interval within 1 point of nDCG@10).',
    'It may also be a table of pairs of texts with scores (STS: Spearman, 0.5 points).',
    '',
    'For a speech encoder, --decoder names the decoder that reads its states, and --data a table of recordings with transcripts (WAV of up',
    'to 30 s; path<TAB>text, or path<TAB>text<TAB>language): the table shows word errors (WER), the excess over the dense encoder, and times',
    'with and without the decoder.',
  ],
  async run([path = ''], args, outer) {
    const runtime = await openRuntime(args.runtime)
    const context = { ...outer, runtime }
    const { progress, signal } = context
    const { data } = args
    const amounts = readComparedAmounts(args)
    const leaveOut = args['leave-out']?.map((layers) => readWritten({ 'leave-out': layers }).leaveOut ?? [])
    const methods = args.methods?.split(',').map((name) => name.trim()) ?? (leaveOut && [])
    const own = readSettings(args)
    const compared = methods && (await comparedMethods(methods, own, args.plugin))
    const file = await asPooled(await readModelFile(path, context), args)
    const decoder = args.decoder === undefined ? undefined : await readModelFile(args.decoder, context)
    const weighing = decoder && (await endable(async () => weighingDecoder(file.model, decoder)))
    // As tp prune --decoder writes both files.
    const isWeighed = own.restore === undefined && weighing?.refusal === undefined && weighing !== undefined
    const settings = isWeighed ? { ...own, restore: 'weighed' as const } : own
    const inspection = compared && inspectEncoders(file.model, settings.encoder)[0]
    const variants: VariantRow[] = []
    if (compared) {
      progress.stage(`pruning ${basename(path)}`)
      const request = { ...compared, amounts, leaveOut, settings, weights: args.weights, signal }
      variants.push(...(await namedVariants(file, request)))
    }
    const batchSize = batchSizeOf(file)
    const opened = withTokens(await openTaskInputs(path, data, batchSize, args, context), args)
    const { task, inputs } = opened
    for (const note of inputs.notes) progress.note(note)
    const rows = await withTaskData(
      opened.task === 'asr' && weighing ? { ...opened, weighing } : opened,
      context,
      (data) => measureRows({ file, inspection, variants, data, batchSize }, context),
    )
    const title = await titleOf(path, inputs, inspection, runtime)
    const tables = [`${title}\n${describeRows(rows)}`, describeVerdicts(rows), describeBetween(rows)]
    return {
      content: {
        ...{ model: path, data, task, examples: inputs.targets.length, notes: inputs.notes },
        ...(opened.task === 'embeddings' && opened.judged && { judged: judgedContent(opened.judged) }),
        rows: rows.map(rowContent),
        between: betweenContent(rows),
      },
      text: tables.filter((part) => part !== '').join('\n\n'),
    }
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

function judgedContent(judged: SearchData | ScoredPairs): object {
  return 'relevant' in judged
    ? { by: 'relevance', queries: judged.queryCount, documents: judged.documents.length }
    : { by: 'scores', pairs: judged.scores.length }
}

interface RowsToMeasure {
  readonly file: ModelFile
  /** For a pruned model. */
  readonly inspection: Inspection | undefined
  readonly variants: readonly VariantRow[]
  readonly data: TaskData
  readonly batchSize: number
}

/** The rows of `tp eval`: the original file, then its variants. */
async function measureRows(
  { file, inspection, variants, data, batchSize }: RowsToMeasure,
  { progress, signal, runtime = nodeRuntime(), timingMs = TIMING_MS, timedExamples }: Context,
): Promise<ResultRow[]> {
  const names = [{ method: originalName(file), keep: '', models: [file] }, ...variants]
  const examples = data.inputs.targets.length
  progress.expect?.([
    ...names.map(({ models }) => evaluation(models.length * examples)),
    timing(examples, data.task === 'asr' ? 2 * timingMs : timingMs),
  ])
  const options = { threads: 1, signal }
  const compared = variants.map(({ plain, models }): VariantToCompare => {
    const { model, encoders } = plain
    return {
      ...{ model, layerCount: encoders[0]?.layerCount },
      open: () => loadSession(runtime, model, file, options),
      traced: models.map(
        (prune) => async () => loadSession(runtime, (await prune({ trace: true })).model, file, options),
      ),
    }
  })
  const dense = { model: file.model, open: () => loadFile(runtime, file, { threads: 1, signal }) }
  const rows = await compareVariants(
    { dense, inspection, variants: compared, data },
    {
      ...{ batchSize, timingMs, timedExamples, signal },
      onStage(stage) {
        const { method = '', keep } = names[stage === 'dense' ? 0 : Number(stage) + 1] ?? {}
        progress.stage(stage === 'times' ? 'timing' : `evaluating ${[method, keep].join(' ').trim()}`)
      },
      onProgress: (done, total) => progress.step(done, total),
    },
  )
  return rows.map((row, i) => {
    const { method, keep, models } = names[i] as (typeof names)[0]
    return { method, keep, seeds: models.length, ...row }
  })
}
