import { basename } from 'node:path'
import type { Inspection } from '@tp/compiler'
import { type ModelInputs, readModelFolder } from '@tp/eval'
import { nodeRuntime } from '@tp/runtime-node'
import type { Arguments } from '../command/arguments.ts'
import { type Command, command } from '../command/command.ts'
import { EXIT } from '../command/exit-code.ts'
import { usageError } from '../command/usage-error.ts'
import { tokenizerOf, tokenNames } from '../explaining/token-text.ts'
import { describeFlips, type FlipTexts, flipsContent } from '../measuring/describe-flips.ts'
import type { FlipsAsked } from '../measuring/find-flips.ts'
import { measureRows, TIMED_EXAMPLES } from '../measuring/measure-rows.ts'
import { describeRows, type Row, rowContent } from '../measuring/rows.ts'
import { pruneVariants, type Variant } from '../measuring/variants.ts'
import { readModelFile } from '../model/model-file.ts'
import { batchSizeOf, dataOptions } from '../model/open-inputs.ts'
import { openTaskInputs, readTask, taskOption } from '../model/open-task-inputs.ts'
import { jsonDocument } from '../output/document.ts'
import { grouped } from '../output/numbers.ts'
import { budgetsOptions, readBudgets, removeByParam } from '../pruning/budget.ts'
import { wholeNumber } from '../pruning/numbers.ts'
import { inspectFile, pruningOptions, readPruningSettings } from '../pruning/request.ts'

/** Tokens of an example that are kept, one after the other, to see whether that turns its answer back. */
const FLIP_TOKENS = 32

const options = {
  ...dataOptions,
  methods: {
    type: 'string',
    value: 'NAME,NAME…',
    description: 'prune with each of these, and with none; default: the model as it is',
  },
  ...budgetsOptions,
  ...pruningOptions,
  ...taskOption,
  flips: {
    type: 'string',
    value: 'N',
    description: 'for the first N answers that each pruning turned: which token, had it stayed, turns it back',
  },
  'flip-tokens': {
    type: 'string',
    value: 'N',
    description: `tokens that are tried of each; default ${FLIP_TOKENS}, those that receive most attention`,
  },
  json: { type: 'boolean', description: 'print one JSON document' },
} as const

export const evalCommand: Command = command({
  options,
  notes: [
    'Every row is compared with "dense", the file as it is; "none" is the same without what no output reads, as all other',
    'rows are too. McNemar p: how likely answers that are as far apart are if both models are equally good (mid-p). --keep and its like may be given several times. random is the mean of five seeds. Times are of one',
    `example and one thread, all rows in turns, on ${TIMED_EXAMPLES} examples of all lengths. An example:`,
    '',
    '  tp eval model.onnx --data dev.tsv --methods random,received-attention --keep 0.7 --keep 0.5',
  ],
  async run([path = ''], asked, context) {
    const given = { ...asked, ...removeByParam(asked) }
    const { print, progress, signal } = context
    const { data, json = false } = given
    if (data === undefined) throw usageError('--data PATH is missing: what to evaluate on')
    const budgets = readBudgets(given)
    const methods = given.methods?.split(',').map((name) => name.trim())
    const settings = readPruningSettings(given)
    const flips = readFlips(given)
    readTask(given.task)
    const file = await readModelFile(path, signal)
    if (methods === undefined) refuseIdle(given)
    const inspection = methods && inspectFile(file, settings.tower)
    const variants: Variant[] = []
    if (methods && inspection) {
      progress.stage(`pruning ${basename(path)}`)
      const plugins = given.plugin ?? []
      variants.push(...(await pruneVariants({ file, methods, budgets, settings, plugins, signal })))
    }
    const batchSize = batchSizeOf(file)
    const opened = await openTaskInputs(path, data, batchSize, given, context)
    const { task, inputs } = opened
    if (flips !== undefined && task !== 'classification') throw usageError('--flips is for models that give classes')
    for (const note of inputs.notes) progress.note(note)
    const rows = await measureRows({ file, inspection, variants, data: opened, batchSize, flips }, context)
    const texts = await flipTexts(path, rows, { inputs, batchSize, inspection, given })
    progress.end()
    const content = {
      ...{ model: path, data, task, examples: inputs.targets.length, notes: inputs.notes },
      rows: rows.map((row) => ({
        ...rowContent(row),
        ...(row.flips && { flips: flipsContent(row.flips, texts) }),
      })),
    }
    if (json) {
      print(jsonDocument('eval', content))
      return EXIT.done
    }
    const tables = [
      `${await titleOf(path, inputs, inspection)}\n${describeRows(rows)}`,
      ...(flips ? [describeFlips(rows, inputs.targets.length, texts)] : []),
    ]
    print(tables.join('\n\n'))
    return EXIT.done
  },
})

function readFlips({ flips, 'flip-tokens': tokens }: Arguments<typeof options>): FlipsAsked | undefined {
  if (flips === undefined && tokens === undefined) return undefined
  if (flips === undefined) throw usageError('--flip-tokens needs --flips N beside it')
  const most = tokens === undefined ? FLIP_TOKENS : wholeNumber('flip-tokens', tokens)
  return { examples: wholeNumber('flips', flips), tokens: most }
}

interface FlipTextsOptions {
  readonly inputs: ModelInputs
  readonly batchSize: number
  readonly inspection: Inspection | undefined
  readonly given: Arguments<typeof options>
}

/** What classes and tokens are called, of the examples that are to be shown. */
async function flipTexts(
  path: string,
  rows: readonly Row[],
  { inputs, batchSize, inspection, given }: FlipTextsOptions,
): Promise<FlipTexts> {
  const examples = new Set(rows.flatMap(({ flips }) => flips?.flips.map(({ example }) => example) ?? []))
  const names = new Map<number, readonly string[]>()
  if (examples.size === 0) return { classes: undefined, names }
  const tokenizer = await tokenizerOf(path, inputs, given.tokenizer)
  const tokens = typeof inspection?.tokens === 'number' ? inspection.tokens : undefined
  for (const example of examples) {
    names.set(example, await tokenNames(inputs, example, { batchSize, tokenizer, tokens }))
  }
  return { classes: given.labels?.split(',') ?? (await readModelFolder(path)).labels, names }
}

/** Nothing that was asked for is passed over in silence. */
function refuseIdle(given: Arguments<typeof options>): void {
  const prunes: readonly string[] = Object.keys({
    ...budgetsOptions,
    ...pruningOptions,
    flips: true,
    'flip-tokens': true,
  })
  const idle = Object.keys(given).find((name) => prunes.includes(name))
  if (idle !== undefined) throw usageError(`--${idle} needs --methods NAME,NAME… beside it`)
}

async function titleOf(
  path: string,
  { lengths, targets }: ModelInputs,
  inspection: Inspection | undefined,
): Promise<string> {
  const { runtime, version } = await nodeRuntime().diagnose()
  const size = inspection ? ` ${inspection.blocks.length}×${inspection.hidden}` : ''
  const tokens = lengths && `, ${Math.min(...lengths)} … ${Math.max(...lengths)} tokens`
  return [
    `model  ${basename(path)}${size}`,
    `${grouped(targets.length)} examples${tokens ?? ''}`,
    `${runtime} ${version}, 1 thread`,
  ].join('   ')
}
