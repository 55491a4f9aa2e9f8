import { basename, dirname, join, resolve, sep } from 'node:path'
import type { RunPlan } from '@tp/compiler'
import { isTpError, type MethodEntry, TpError } from '@tp/core'
import { type AbortSignalLike, throwIfAborted } from '@tp/core/runtime'
import { classNames, readBytes } from '@tp/data'
import { exists, isBrokenLink, LARGEST_JSON } from '@tp/data/files'
import { fittingLabels } from '@tp/data/outputs'
import { readGuarding } from '@tp/plans'
import { inputFiles } from './input/input-files.ts'
import type { BulkTask, ComputeSpec, SessionSpec } from './model/compute-spec.ts'
import { type HashedModel, readModelFiles } from './model/model-files.ts'
import { type BulkModel, hasNative, openBulkModel } from './model/open-model.ts'
import { type OutputName, outputFormats, outputNameOf } from './output/output-formats.ts'
import { type BulkProgress, progressFrom } from './progress.ts'
import { computeOnQueue } from './queue/dispatch.ts'
import { answerFormOf } from './shards/answer-form.ts'
import { writeNew } from './shards/new-file.ts'
import { openStore } from './shards/open-store.ts'
import { planShards, type ShardPlan, withCompute } from './shards/plan.ts'
import { computeShard, type Shard } from './shards/shard.ts'
import { type ShardFiles, shardFiles } from './shards/shard-files.ts'

export interface BulkOptions {
  /** Path of the ONNX file; tokenizer.json and config.json next to it. */
  readonly model: string
  /** File or folder with texts: .jsonl, .csv, .tsv, .txt or .parquet. */
  readonly data: string
  /** The file to write: .jsonl, .parquet or, for vectors, .npy. */
  readonly out: string
  /** The task; default: by the form of the model's outputs. */
  readonly task?: BulkTask | undefined
  /** Columns of the texts, of the second texts of pairs, and of what identifies a row; by name, or number from 1. */
  readonly textColumn?: string | undefined
  readonly pairColumn?: string | undefined
  readonly idColumn?: string | undefined
  /** Names of the classes; default: those of config.json. */
  readonly labels?: readonly string[] | undefined
  /** Path of tokenizer.json; default: the one next to the model. */
  readonly tokenizer?: string | undefined
  /** How the model, a dense one, is pruned before it runs. */
  readonly plan?: RunPlan | undefined
  /** The methods among which those of the plan are found. */
  readonly methods?: readonly MethodEntry[] | undefined
  /** The dense model as the fallback of this pruned one. Not with `plan`. */
  readonly guard?: BulkGuard | undefined
  /** Longer texts are cut; default: what the model takes. */
  readonly maxTokens?: number | undefined
  /** The first rows only. Default: all. */
  readonly limit?: number | undefined
  /** Rows of a shard; default 10,000. */
  readonly shardRows?: number | undefined
  /** Most tokens of a batch; default 1,024. */
  readonly batchTokens?: number | undefined
  /** Threads inside one operator, where this process computes; default: the runtime's own choice. */
  readonly threads?: number | undefined
  /** Folder of the shards, or `s3://bucket/prefix`; default: the name of the output with `.shards`. */
  readonly shards?: string | undefined
  /** Whether shards of an earlier run are used. */
  readonly resume?: boolean | undefined
  /** The same, and those that failed are computed again. */
  readonly retry?: boolean | undefined
  /** Lets workers compute. */
  readonly queue?: QueueOptions | undefined
  readonly signal?: AbortSignalLike | undefined
  /** @param rows answers that earlier runs have left, when computing begins */
  readonly onStage?: ((stage: 'planning' | 'computing' | 'writing', rows?: number) => void) | undefined
  readonly onProgress?: ((progress: BulkProgress) => void) | undefined
  /** Told each of the report's notes before anything is computed. */
  readonly onNote?: ((note: string) => void) | undefined
}

/** When answers fall back to a dense model. */
export interface BulkGuard {
  /** The file that `tp calibrate` or `tp optimize --cascade` has written. Its monitor is of no use here: rows are sorted by length. */
  readonly path: string
  /** The dense model. */
  readonly dense: string
}

/** Where shards are put for workers. */
export interface QueueOptions {
  /** `redis://…`, also for Valkey, or `postgres://…`. */
  readonly url: string
  /** Holds model, data and shards, and is the workers' `folder`, wherever they have it. */
  readonly folder: string
}

/** The outcome of a run. */
export interface BulkReport {
  readonly task: BulkTask
  readonly rows: number
  readonly shards: number
  /** Shards that an earlier run had computed. */
  readonly resumed: number
  /** Facts about the answers that a user should know: that they depend on the batch, as some 8-bit files have it. */
  readonly notes: readonly string[]
}

/** Two shards at a time: one is tokenized while the runtime computes the other. */
const AT_ONCE = 2

/**
 * Runs a model on all texts of a file or folder, and writes what it answers: one row each, in their order.
 *
 * Rows are divided into shards. Each is computed into a file of its own, named by all that it depends on; when all are there, the
 * output is written from them, whole or not at all. A run that was killed continues with `resume`, to the same bytes.
 *
 * Memory does not depend on the number of rows: two shards, each of at most `shardRows` rows and 16 MiB of input (20 MiB if
 * its last row is long), their token ids and answers, and one batch.
 * @throws TpError TP_OUTPUT if there is an output, or shards of an earlier run without `resume`; TP_SHARDS if shards failed;
 *   TP_DATA, TP_TOKENIZER, TP_RUNTIME, TP_QUEUE, TP_WRITE, TP_ABORTED
 * @example
 * ```ts
 * await runBulk({ model: 'model.onnx', data: 'reviews.jsonl', out: 'labels.jsonl' })
 * ```
 */
export async function runBulk(options: BulkOptions): Promise<BulkReport> {
  const { out, data, signal, onStage, onProgress, resume = false, retry = false } = options
  const output = outputNameOf(out)
  requireOutside(options)
  const store = await openStore(shardsOf(options))
  const folder = shardFiles(store, output)
  onStage?.('planning')
  const { model: path, tokenizer, guard, threads, methods } = options
  const modelFiles = await readModelFiles({ model: path, tokenizer, dense: guard?.dense })
  const opened = await sessionSpec(options, modelFiles)
  await using model = await openBulkModel(modelFiles, opened, { threads, signal, methods })
  const compute = computeSpec(options, opened, model, output)
  const assumed = compute.task === 'embeddings' ? model.pooling().note : undefined
  // Last of what can be wrong, so that it hides no other mistake; but before what may take long.
  await inputFiles(data, shardsOf(options))
  await requireFree(options)
  if (!(resume || retry)) await requireNoShards(folder)
  const planned = await planShards(data, modelFiles.hash, compute, output, {
    ...{ place: shardsOf(options), shardRows: 10_000, pairs: pairsOf(compute, model, options) },
    ...definedOnly(options),
  })
  const answerForm = await answerFormOf(planned.shards, model, compute, { data, signal })
  const plan = withCompute(planned, { ...compute, answerForm })
  await using _place = await store.prepare()
  if (retry) await folder.forgive()

  const changed = await folder.removeChanged(plan.shards)
  const notes = [
    ...(assumed === undefined ? [] : [assumed]),
    ...planned.notes,
    ...(compute.batchTokens === 1 ? [] : modelFiles.notes),
    ...(changed.size > 0 ? [`${changed.size} of the shards in ${store.name} had changed, and are computed again`] : []),
  ]
  for (const note of notes) options.onNote?.(note)
  const before = await folder.state()
  const missing = plan.shards.filter(({ key }) => !before.done.has(key) && !before.failed.has(key))
  const resumed = plan.shards.filter(({ key }) => before.done.has(key))
  const rowsBefore = rowsOf(resumed)
  const progress = progressFrom(rowsBefore, plan.rows)
  const tell = (rows: number, workers?: number): void => onProgress?.(progress(rows, workers))
  onStage?.('computing', rowsBefore)
  if (options.queue === undefined) await computeHere(missing, folder, model, { signal, tell, rowsBefore })
  else
    await computeOnQueue(
      missing,
      { ...options.queue, model: path, tokenizer, dense: guard?.dense, shards: shardsOf(options) },
      { folder, tell, rowsBefore, signal },
    )
  throwIfAborted(signal, 'bulk')

  const files = await requireAll(plan, folder)
  onStage?.('writing')
  const written = plan.shards.map((shard) => folder.fileOf(shard, files.get(shard.key) as string))
  // Always the same name: of a run that is killed while it writes, gigabytes would remain under another one.
  const waiting = join(dirname(out), `.${basename(out)}.tmp`)
  await writeNew(out, untilAborted(outputFormats[output].join(written), signal), waiting)
  await folder.remove()
  await store.close()
  const counts = { rows: plan.rows, shards: plan.shards.length, resumed: resumed.length }
  return { task: compute.task, ...counts, notes }
}

function shardsOf({ out, shards = `${out}.shards` }: BulkOptions): string {
  return shards
}

async function sessionSpec({ plan, guard }: BulkOptions, files: HashedModel): Promise<SessionSpec> {
  // Padded batches are no faster in the native runtime.
  const runtime = files.isPacked && (await hasNative()) ? 'native' : 'node'
  const { model: pruned, dense } = files
  if (guard === undefined || dense === undefined) return { runtime, plan: plan ?? null, guard: null }
  if (plan !== undefined)
    throw new TpError(
      'TP_OPTION',
      'bulk',
      'a guard is of a pruned file, and a plan prunes a dense one; give one of them',
    )
  const text = await readBytes(guard.path, { code: 'TP_FILE_NOT_FOUND', mostBytes: LARGEST_JSON })
  const { cascade } = readGuarding(new TextDecoder().decode(text), guard.path, { pruned, dense })
  const { uncertainty, threshold, answerForm } = cascade
  return { runtime, plan: null, guard: { uncertainty, threshold, ...(answerForm && { answerForm }) } }
}

function computeSpec(options: BulkOptions, opened: SessionSpec, model: BulkModel, output: OutputName): ComputeSpec {
  // A number that is estimated is written as one to rank by.
  const task = options.task ?? (model.task === 'regression' ? 'ranking' : model.task)
  if (task === 'asr') throw new TpError('TP_OPTION', 'bulk', 'the model gives states of speech; texts are what is run')
  if (output === 'npy' && task !== 'embeddings')
    throw new TpError('TP_OUTPUT', 'bulk', `.npy holds vectors, and the model is for ${task}; write .jsonl or .parquet`)
  const { folder, model: file } = model.files
  const named = { outputs: model.outputs, task, path: file.path }
  const { labels = classNames(fittingLabels(folder.labels, named)) ?? null } = options
  const { batchTokens = 1024, maxTokens = null } = options
  for (const [name, value] of Object.entries({
    batchTokens,
    shardRows: options.shardRows ?? 1,
    limit: options.limit ?? 1,
    maxTokens: maxTokens ?? 3,
  })) {
    if (!Number.isInteger(value) || value < 1)
      throw new TpError('TP_OPTION', 'bulk', `${name} is ${value}; give a whole number, 1 or more`)
  }
  return { ...opened, task, answerForm: null, labels, maxTokens, batchTokens }
}

/** A number of pairs to rank; one that is estimated, a probability, or of a column that is named alone may be of single texts. */
function pairsOf(
  { task }: ComputeSpec,
  model: BulkModel,
  { textColumn, pairColumn }: BulkOptions,
): boolean | 'optional' {
  if (task !== 'ranking') return false
  const isNamed = textColumn !== undefined && pairColumn === undefined
  return model.task === 'regression' || model.files.answerForm === 'sigmoid' || isNamed ? 'optional' : true
}

interface HereOptions {
  readonly signal: AbortSignalLike | undefined
  readonly tell: (rows: number) => void
  readonly rowsBefore: number
}

/** Computes shards in this process. Invalid data in one does not stop the others. */
async function computeHere(
  shards: readonly Shard[],
  folder: ShardFiles,
  model: BulkModel,
  { signal, tell, rowsBefore }: HereOptions,
): Promise<void> {
  const waiting = shards[Symbol.iterator]()
  const stop = new AbortController()
  const abort = (): void => stop.abort(signal?.reason)
  signal?.addEventListener('abort', abort)
  let done = rowsBefore
  const onRows = (rows: number): void => {
    done += rows
    tell(done)
  }
  const lane = async (): Promise<void> => {
    for (const shard of waiting) {
      throwIfAborted(stop.signal, 'bulk')
      try {
        await folder.commit(shard.key, await computeShard(shard, model, { signal: stop.signal, onRows }))
      } catch (error) {
        if (!isTpError(error) || error.code !== 'TP_DATA') throw error
        await folder.fail(shard.key, error)
      }
    }
  }
  try {
    const lanes = Array.from({ length: AT_ONCE }, () =>
      lane().catch((error: unknown) => {
        stop.abort(error)
        throw error
      }),
    )
    const [failed] = (await Promise.allSettled(lanes)).filter((lane) => lane.status === 'rejected')
    throwIfAborted(signal, 'bulk')
    if (failed !== undefined) throw stop.signal.reason ?? failed.reason
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

function rowsOf(shards: readonly Shard[]): number {
  return shards.reduce((sum, { spec }) => sum + spec.rows.rows, 0)
}

/** The files of all shards, by key. @throws TpError TP_SHARDS with the reasons of those that are missing */
async function requireAll({ shards }: ShardPlan, folder: ShardFiles): Promise<ReadonlyMap<string, string>> {
  const { done, failed } = await folder.state()
  const missing = shards.filter(({ key }) => !done.has(key))
  if (missing.length === 0) return done
  const reasons = await Promise.all(
    missing
      .slice(0, 3)
      .map(async ({ key, location }) =>
        failed.has(key)
          ? `${(await folder.failure(key)).reason} (${key.slice(0, 12)})`
          : `${location.path} from ${location.start} on is missing`,
      ),
  )
  const more = missing.length > reasons.length ? `; and ${missing.length - reasons.length} more` : ''
  const advice = 'the others are kept: correct what is wrong, and run it again with --retry'
  throw new TpError(
    'TP_SHARDS',
    'bulk',
    `${missing.length} of ${shards.length} shards failed: ${reasons.join('; ')}${more}; ${advice}`,
  )
}

/** Nothing is overwritten. @throws TpError TP_OUTPUT */
async function requireFree({ out }: BulkOptions): Promise<void> {
  const isTaken = await exists(out)
  if (!isTaken && !(await isBrokenLink(out))) return
  const seen = isTaken ? 'there already' : 'a link to nothing, and links are not followed'
  throw new TpError('TP_OUTPUT', 'bulk', `${out} is ${seen}; give another path, or remove it`)
}

/** The output is not among the inputs of the next run. @throws TpError TP_OUTPUT */
function requireOutside({ out, data }: BulkOptions): void {
  if (`${resolve(out)}`.startsWith(resolve(data) + sep))
    throw new TpError(
      'TP_OUTPUT',
      'bulk',
      `the output ${out} would be one of the files in ${data}; write to another folder`,
    )
}

/** @throws TpError TP_OUTPUT */
async function requireNoShards({ state, store }: ShardFiles): Promise<void> {
  const { done, failed, others } = await state()
  const refuse = (message: string): never => {
    throw new TpError('TP_OUTPUT', 'bulk', message)
  }
  if (done.size + failed.size > 0)
    refuse(`${store.name} holds ${done.size} shards of an earlier run; --resume continues it, or remove them`)
  if (others.length > 0) refuse(`${store.name} is to hold the shards, and something else is in it; give another place`)
}

async function* untilAborted<T>(pieces: AsyncIterable<T>, signal: AbortSignalLike | undefined): AsyncGenerator<T> {
  for await (const piece of pieces) {
    throwIfAborted(signal, 'bulk')
    yield piece
  }
}

function definedOnly({ textColumn, pairColumn, idColumn, limit, shardRows, signal }: BulkOptions) {
  return { textColumn, pairColumn, idColumn, limit, signal, ...(shardRows !== undefined && { shardRows }) }
}
