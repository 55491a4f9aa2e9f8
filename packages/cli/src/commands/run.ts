import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { type BulkTask, runBulk } from '@tp/bulk'
import { requireModelFile } from '@tp/data'
import { outputsOf } from '@tp/data/files'
import { dataOptions } from '../arguments/data-options.ts'
import { runOptions } from '../arguments/run-options.ts'
import { usageError } from '../arguments/usage-error.ts'
import { wholeOption } from '../arguments/values.ts'
import { jsonDocument } from '../printing/document.ts'
import { counted, grouped } from '../printing/numbers.ts'
import { readRun } from '../serving/read-run.ts'
import { type Command, command } from './command.ts'
import { EXIT } from './exit-code.ts'

const TASKS: readonly string[] = ['classification', 'ranking', 'tokens', 'embeddings'] satisfies BulkTask[]

export const runCommand: Command = command({
  options: {
    data: {
      type: 'string',
      value: 'PATH',
      reads: 'data',
      description: 'texts: a file (.jsonl, .csv, .tsv, .parquet, or .txt with one a line), or a folder of such files',
    },
    out: {
      type: 'string',
      short: 'o',
      value: 'OUT',
      description: 'file to write: .jsonl, .parquet or, for vectors, .npy; never an existing one',
    },
    task: { type: 'string', value: TASKS.join('|'), description: 'default: judged by the outputs of the model' },
    read: dataOptions.read,
    'text-column': { ...dataOptions['text-column'], description: 'column of the texts; default: found by its header' },
    'pair-column': dataOptions['pair-column'],
    'id-column': {
      type: 'string',
      through: 'read',
      value: 'NAME|N',
      description: 'column to copy to the output as "id"; default: one called id, or else the row numbers',
    },
    ...runOptions,
    tokenizer: dataOptions.tokenizer,
    labels: dataOptions.labels,
    'max-tokens': {
      type: 'string',
      value: 'N',
      is: 'whole number',
      description: 'cut longer texts; default: the limit of the model',
    },
    'shard-rows': { type: 'string', value: 'N', is: 'whole number', description: 'rows of a shard; default 10,000' },
    'batch-tokens': {
      type: 'string',
      value: 'N',
      is: 'whole number',
      description: 'most tokens of a batch; default 1,024',
    },
    threads: {
      type: 'string',
      value: 'N',
      is: 'whole number',
      description: "threads inside one operator; default: the runtime's choice",
    },
    resume: { type: 'boolean', description: 'continue an interrupted run, to the same bytes' },
    retry: { type: 'boolean', description: 'the same, and recompute failed shards' },
    queue: {
      type: 'string',
      value: 'URL',
      description: 'let tp worker compute, through Valkey or Redis (redis://…) or PostgreSQL (postgres://…)',
    },
    folder: {
      type: 'string',
      value: 'FOLDER',
      description: 'with --queue: the folder shared by all workers, with model, data and shards; default: this one',
    },
    shards: {
      type: 'string',
      value: 'FOLDER|s3://BUCKET/…',
      description: 'folder or bucket for shards until all are complete; default: OUT.shards',
    },
    json: { type: 'boolean', description: 'print one JSON document' },
  },
  notes: [
    'One row of output for each row of input, in the same order: label and score, a score, tags of words, or an embedding.',
    'Rows are divided into shards, each with a file of its own; the output is written when all shards are complete, whole or not',
    'at all. Packed models (tp pack) run without padding. An example:',
    '',
    '  tp run packed.onnx --data reviews.jsonl -o labels.jsonl',
    '',
    'On many machines that share a folder, start tp worker --queue URL on each, and pass the same --queue to tp run.',
  ],
  writes: ({ out }) => outputsOf({ '-o': out }),
  alone: 'out',
  async run([path = ''], args, { print, progress, signal, files }) {
    const { data, out, task, labels, tokenizer, queue, folder, shards, resume, retry, json = false } = args
    if (data === undefined) throw usageError('--data PATH is missing: the texts')
    if (out === undefined) throw usageError('-o OUT is missing: the file to write')
    if (task !== undefined && !isTask(task)) throw usageError(`--task is "${task}"; it must be ${TASKS.join(', ')}`)
    if (queue === undefined && folder !== undefined) throw usageError('--folder is for --queue URL')
    if (queue !== undefined && args.threads !== undefined)
      throw usageError('--threads is for tp worker, which computes')
    const isFolder = (await stat(data).catch(() => undefined))?.isDirectory() === true
    if (isFolder) await files.readsFolder(data, 'the folder of --data')
    else await files.reads(data, 'the file of --data', Number.POSITIVE_INFINITY)
    const stages = {
      planning: `reading ${data}`,
      computing: `running ${basename(path)}`,
      writing: `writing ${out}`,
    }
    const request = await readRun(args)
    progress.expect?.([{ work: 0 }, { work: 1 }, { work: 0 }])
    await files.checkTargets().catch(async (error: unknown) => {
      // Arguments, then files, then outputs: runBulk does the first two in this order.
      await requireModelFile(path, 'tp')
      throw error
    })
    const saved = shards ?? `${out}.shards`
    const report = await runBulk({
      ...request,
      ...{ model: path, data, out, task, tokenizer, shards, resume, retry, signal },
      labels: labels?.split(','),
      textColumn: args['text-column'],
      pairColumn: args['pair-column'],
      idColumn: args['id-column'],
      maxTokens: wholeOption(args, 'max-tokens'),
      shardRows: wholeOption(args, 'shard-rows'),
      batchTokens: wholeOption(args, 'batch-tokens'),
      threads: wholeOption(args, 'threads'),
      queue: queue === undefined ? undefined : { url: queue, folder: folder ?? '.' },
      onStage(stage, rows) {
        if (stage === 'computing') files.wrote(saved)
        progress.stage(stages[stage], undefined, rows)
      },
      onProgress: ({ rows, total, workers }) =>
        progress.step(rows, total, workers === undefined ? undefined : counted(workers, 'worker')),
    }).catch(async (error: unknown) => {
      if (signal.aborted && (await files.written()).includes(saved))
        progress.note(
          `[tp] stopped; ${saved} holds the shards that were computed: the same command with --resume goes on`,
        )
      throw error
    })
    progress.end()
    const kept = report.resumed === 0 ? '' : `, ${grouped(report.resumed)} of which an earlier run had computed`
    print(
      json
        ? jsonDocument('run', { model: path, data, out, ...report })
        : `wrote ${out}: ${grouped(report.rows)} rows in ${counted(report.shards, 'shard', grouped(report.shards))}${kept}`,
    )
    return EXIT.done
  },
})

function isTask(text: string): text is BulkTask {
  return TASKS.includes(text)
}
