import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { type BulkTask, runBulk } from '@tp/bulk'
import { requireModelFile } from '@tp/data'
import { dataOptions } from '../arguments/data-options.ts'
import { flag, text } from '../arguments/option.ts'
import { runOptions } from '../arguments/run-options.ts'
import { counted, grouped } from '../printing/numbers.ts'
import { readRun } from '../serving/read-run.ts'
import { type Command, command } from './command.ts'

const tasks = [
  'classification',
  'multi-label',
  'ranking',
  'tokens',
  'embeddings',
] as const satisfies readonly BulkTask[]

export const runCommand: Command = command({
  options: {
    data: text(
      'PATH',
      'texts: a file (.jsonl, .csv, .tsv, .parquet, or .txt with one a line), or a folder of such files',
      { reads: 'data', required: 'the texts' },
    ),
    out: text('OUT', 'file to write: .jsonl, .parquet or, for vectors, .npy; never an existing one', {
      short: 'o',
      required: 'the file to write',
      writes: 'file',
    }),
    task: text(tasks.join('|'), 'what the model does; default: judged by its outputs', { is: 'word', words: tasks }),
    read: dataOptions.read,
    'text-column': { ...dataOptions['text-column'], description: 'column of the texts; default: found by its header' },
    'pair-column': dataOptions['pair-column'],
    'id-column': text(
      'NAME|N',
      'column to copy to the output as "id"; default: one called id, or else the row numbers',
      { through: 'read' },
    ),
    ...runOptions,
    tokenizer: dataOptions.tokenizer,
    labels: dataOptions.labels,
    'max-tokens': text('N', 'cut longer texts; default: the limit of the model', { is: 'whole number' }),
    limit: { ...dataOptions.limit, description: 'only the first N rows' },
    'shard-rows': text('N', 'rows per shard; default 10,000', { is: 'whole number' }),
    'batch-tokens': text('N', 'most tokens per batch; default 1,024', { is: 'whole number' }),
    threads: text('N', 'threads per operator; default: by the runtime', {
      is: 'whole number',
      excludes: ['queue'],
      because: '--threads is for tp worker, which computes',
    }),
    resume: flag('continue an interrupted run, to the same bytes'),
    retry: flag('the same, and recompute failed shards'),
    queue: text(
      'URL',
      'let tp worker compute, through this queue; Valkey or Redis (redis://…), or PostgreSQL (postgres://…)',
    ),
    folder: text('FOLDER', 'folder shared by all workers; default: this one; with model, data and shards', {
      needs: ['queue'],
    }),
    shards: text('PLACE', 'folder or s3://… of shards; default: OUT.shards; until all are complete'),
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
  alone: ['-o'],
  async run([path = ''], args, { progress, signal, files }) {
    const { data, out, task, tokenizer, threads, queue, folder = '.', limit, shards, resume, retry } = args
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
      ...{ model: path, data, out, task, tokenizer, threads, limit, shards, resume, retry, signal },
      labels: args.labels?.split(','),
      textColumn: args['text-column'],
      pairColumn: args['pair-column'],
      idColumn: args['id-column'],
      maxTokens: args['max-tokens'],
      shardRows: args['shard-rows'],
      batchTokens: args['batch-tokens'],
      queue: queue === undefined ? undefined : { url: queue, folder },
      onStage(stage, rows) {
        if (stage === 'computing') files.wrote(saved)
        progress.stage(stages[stage], undefined, rows)
      },
      onNote: (note) => progress.note(note),
      onProgress: ({ rows, total, workers }) =>
        progress.step(rows, total, workers === undefined ? undefined : counted(workers, 'worker')),
    }).catch(async (error: unknown) => {
      if (signal.aborted && (await files.written()).includes(saved))
        progress.note(
          `[tp] stopped; ${saved} holds the shards that were computed; run the same command with --resume to continue`,
        )
      throw error
    })
    const kept = report.resumed === 0 ? '' : `, ${grouped(report.resumed)} of which an earlier run had computed`
    const [rows, shardsText] = [grouped(report.rows), counted(report.shards, 'shard', grouped(report.shards))]
    return {
      content: { model: path, data, out, ...report },
      text: `wrote ${out}: ${rows} rows in ${shardsText}${kept}`,
    }
  },
})
