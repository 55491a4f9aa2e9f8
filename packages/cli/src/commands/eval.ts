import { basename } from 'node:path'
import type { Inspection } from '@tp/compiler'
import type { Session } from '@tp/core'
import { comparePaired, modalityOf, type ModelInputs, openDataset, prepareInputs, readModelFolder } from '@tp/eval'
import { nodeRuntime } from '@tp/runtime-node'
import type { Arguments } from '../command/arguments.ts'
import { type Command, command } from '../command/command.ts'
import type { Context } from '../command/context.ts'
import { EXIT } from '../command/exit-code.ts'
import { usageError } from '../command/usage-error.ts'
import { denseFigures, type EvaluationTask, evaluateSession, evaluateVariant } from '../measuring/evaluate-variant.ts'
import { describeRows, type Row, rowContent } from '../measuring/rows.ts'
import { spreadByLength } from '../measuring/timed-examples.ts'
import { pruneVariants, type Variant } from '../measuring/variants.ts'
import { loadSession } from '../model/load-session.ts'
import { type ModelFile, readModelFile } from '../model/model-file.ts'
import { jsonDocument } from '../output/document.ts'
import { grouped } from '../output/numbers.ts'
import { budgetsOptions, readBudgets } from '../pruning/budget.ts'
import { wholeNumber } from '../pruning/numbers.ts'
import { inspectFile, pruningOptions, readPruningSettings } from '../pruning/request.ts'

const options = {
  data: { type: 'string', value: 'PATH', description: 'label<TAB>sentence file, IDX files, or a folder of pictures or WAV files by label' },
  tokenizer: { type: 'string', value: 'FILE', description: 'tokenizer.json of the model; default: the one beside it' },
  labels: { type: 'string', value: 'NAME,NAME…', description: "the model's class names in order; default: those of config.json beside it" },
  methods: { type: 'string', value: 'NAME,NAME…', description: 'prune with each of these, and with none; default: the model as it is' },
  ...budgetsOptions,
  ...pruningOptions,
  limit: { type: 'string', value: 'N', description: 'only the first N examples' },
  json: { type: 'boolean', description: 'print one JSON document' },
} as const

/** Enough lengths to stand for all, few enough to be timed often. */
const TIMED_EXAMPLES = 16
const TIMING_MS = 20_000

export const evalCommand: Command = command({
  options,
  notes: [
    'Every row is compared with "dense", the file as it is; "none" is the same without what no output reads, as all other',
    'rows are too. --keep and its like may be given several times. random is the mean of five seeds. Times are of one',
    `example and one thread, all rows in turns, on ${TIMED_EXAMPLES} examples of all lengths. An example:`,
    '',
    '  tp eval model.onnx --data dev.tsv --methods random,received-attention --keep 0.7 --keep 0.5',
  ],
  async run([path = ''], given, context) {
    const { print, progress, signal } = context
    const { data, json = false } = given
    if (data === undefined) throw usageError('--data PATH is missing: what to evaluate on')
    const budgets = readBudgets(given)
    const methods = given.methods?.split(',').map((name) => name.trim())
    const settings = readPruningSettings(given)
    const file = await readModelFile(path, signal)
    if (methods === undefined) refuseIdle(given)
    const inspection = methods && inspectFile(file)
    progress.stage(`pruning ${basename(path)}`)
    const variants =
      methods && inspection
        ? await pruneVariants({ file, inspection, methods, budgets, settings, plugins: given.plugin ?? [] })
        : []
    const inputs = await openInputs(path, data, given, context)
    for (const note of inputs.notes) progress.note(note)
    const rows = await measure({ file, inspection, variants, inputs }, context)
    progress.end()
    print(
      json
        ? jsonDocument('eval', { model: path, data, examples: inputs.targets.length, notes: inputs.notes, rows: rows.map(rowContent) })
        : `${titleOf(path, inputs, inspection)}\n${describeRows(rows)}`,
    )
    return EXIT.done
  },
})

/** Nothing that was asked for is passed over in silence. */
function refuseIdle(given: Arguments<typeof options>): void {
  const prunes: readonly string[] = Object.keys({ ...budgetsOptions, ...pruningOptions })
  const idle = Object.keys(given).find((name) => prunes.includes(name))
  if (idle !== undefined) throw usageError(`--${idle} needs --methods NAME,NAME… beside it`)
}

async function openInputs(
  path: string,
  data: string,
  { tokenizer, labels, limit }: Arguments<typeof options>,
  { progress, signal }: Context,
): Promise<ModelInputs> {
  progress.stage(`reading ${data}`)
  const known = await readModelFolder(path)
  await using session = await nodeRuntime().load(path, { signal })
  const dataset = await openDataset(data, {
    labels: labels?.split(',') ?? known.labels,
    modality: modalityOf(session.inputs),
    limit: limit === undefined ? undefined : wholeNumber('limit', limit),
  })
  return await prepareInputs(dataset, session.inputs, { ...known, tokenizer: tokenizer ?? known.tokenizer, signal })
}

interface Measured {
  readonly file: ModelFile
  readonly inspection: Inspection | undefined
  readonly variants: readonly Variant[]
  readonly inputs: ModelInputs
}

async function measure({ file, inspection, variants, inputs }: Measured, { progress, signal }: Context): Promise<Row[]> {
  const batchSize = typeof inspection?.batch === 'number' ? inspection.batch : 1
  const task: EvaluationTask = { file, inputs, batchSize, signal, progress }
  progress.stage('evaluating dense')
  const dense = await evaluateSession(await nodeRuntime().load(file.path, { signal }), task)
  const figures = [{ method: 'dense', keep: '', seeds: 1, ...denseFigures(dense) }]
  for (const variant of inspection ? variants : []) {
    const { method, keep, models } = variant
    progress.stage(`evaluating ${[method, keep].join(' ').trim()}`)
    const found = await evaluateVariant(variant, task, inspection as Inspection, dense)
    figures.push({ method, keep, seeds: models.length, ...found })
  }

  progress.stage('timing')
  const sessions: Record<string, Session> = {}
  try {
    sessions['0'] = await nodeRuntime().load(file.path, { threads: 1, signal })
    for (const [i, { models }] of variants.entries()) {
      const [model] = models
      if (model) sessions[`${i + 1}`] = await loadSession(model.plain.model, file, { threads: 1, signal })
    }
    const feeds = await Promise.all(
      spreadByLength(inputs, TIMED_EXAMPLES, batchSize).map((positions) => inputs.feeds(positions)),
    )
    const { variants: times } = await comparePaired(sessions, feeds, {
      budgetMs: TIMING_MS,
      signal,
      onProgress: (done, rounds) => progress.step(done, rounds),
    })
    return figures.flatMap((row, i) => {
      const latency = times[`${i}`]
      return latency === undefined ? [] : [{ ...row, latency }]
    })
  } finally {
    for (const session of Object.values(sessions)) await session.dispose()
  }
}

function titleOf(path: string, { lengths, targets }: ModelInputs, inspection: Inspection | undefined): string {
  const size = inspection ? ` ${inspection.blocks.length}×${inspection.hidden}` : ''
  const tokens = lengths && `, ${Math.min(...lengths)} … ${Math.max(...lengths)} tokens`
  return `model  ${basename(path)}${size}   ${grouped(targets.length)} examples${tokens ?? ''}   onnxruntime-node, 1 thread`
}
