import { isTpError, type MethodEntry, TpError } from '@tp/core'
import type { AbortSignalLike } from '@tp/core/runtime'
import { readRunPlan } from '@tp/plans'
import type { Job } from 'bullmq'
import { changedError, readModelFiles } from '../model/model-files.ts'
import { type BulkModel, openBulkModel } from '../model/open-model.ts'
import { openStore } from '../shards/open-store.ts'
import { isBucketUrl } from '../shards/s3-store.ts'
import { computeShard } from '../shards/shard.ts'
import { type ShardFiles, shardFiles } from '../shards/shard-files.ts'
import { connect } from './connect.ts'
import { checkJob, fromShared, type ShardJob } from './shard-job.ts'

export interface WorkerOptions {
  /** `redis://…`, also for Valkey, or `postgres://…`. */
  readonly queue: string
  /** Holds all files that shards may name; nothing outside of it is read or written. */
  readonly folder: string
  /** `s3://bucket/prefix`, where shards may be put besides the folder. Default: nowhere. */
  readonly shards?: string | undefined
  /** The methods among which those of plans are found. */
  readonly methods?: readonly MethodEntry[] | undefined
  /** Threads inside one operator; default: the runtime's own choice. */
  readonly threads?: number | undefined
  /** Seconds without a sign of life after which a worker's shards are given to another. Default 30. */
  readonly lostAfter?: number | undefined
  /** Ends the worker, once the shards that it is at are computed. */
  readonly signal: AbortSignalLike
  /** Told of each shard that it has computed, or found to be there. */
  readonly onShard?: ((shard: { readonly rows: number; readonly milliseconds: number }) => void) | undefined
  /** Told of each that failed. It may be tried again. */
  readonly onFailure?: ((reason: string) => void) | undefined
}

/** One shard is tokenized while the runtime computes the other. */
const AT_ONCE = 2
/** How often a shard may have taken its worker down, before it is a failure itself. */
const MOST_LOST = 10

/**
 * Takes shards from a queue and computes them, until the signal ends it. May be killed at any time: what it was at is given to another
 * worker.
 * @throws TpError TP_QUEUE, TP_OPTION
 */
export async function runWorker(options: WorkerOptions): Promise<void> {
  const { queue, folder, lostAfter = 30, signal, onShard, onFailure } = options
  if (!(lostAfter >= 1)) throw new TpError('TP_OPTION', 'bulk', `lostAfter is ${lostAfter}; give seconds, 1 or more`)
  await using connection = await connect(queue)
  const models = openModels(options)
  const { UnrecoverableError } = await import('bullmq')

  async function process({ data }: Job<ShardJob>): Promise<void> {
    const start = performance.now()
    const job = checkJob(data)
    const target = await targetOf(options, job)
    // Delivered again after it was done, by this worker or another.
    if (!(await target.has(job.key))) await compute(job, target)
    onShard?.({ rows: job.spec.rows.rows, milliseconds: performance.now() - start })
  }

  async function compute(job: ShardJob, target: ShardFiles): Promise<void> {
    const location = { ...job.location, path: await fromShared(folder, job.location.path) }
    try {
      const model = await models.open(job)
      await target.commit(job.key, await computeShard({ spec: job.spec, location }, model))
    } catch (error) {
      // Its rows will not be others next time.
      if (isTpError(error) && error.code === 'TP_DATA')
        throw Object.assign(new UnrecoverableError(error.message), { cause: error })
      throw error
    }
  }

  const worker = await connection.openWorker(process, {
    concurrency: AT_ONCE,
    lockDuration: 1000 * lostAfter,
    stalledInterval: 1000 * lostAfter,
    maxStalledCount: MOST_LOST,
  })
  worker.on('failed', (job, error) => {
    onFailure?.(error.message)
    if (job === undefined || !(isLast(job) || error instanceof UnrecoverableError)) return
    void targetOf(options, job.data)
      .then((target) => target.fail(job.data.key, isLost(error) ? lostError() : (error.cause ?? error)))
      .catch(() => undefined)
  })
  if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  await worker.close()
  await models.close()
}

function isLast({ attemptsMade, opts }: Job): boolean {
  return attemptsMade >= (opts.attempts ?? 1)
}

/** As BullMQ says it. */
function isLost({ message }: Error): boolean {
  return message.includes('stalled more than')
}

function lostError(): TpError {
  return new TpError('TP_LOST', 'bulk', `more than ${MOST_LOST} workers have ended at it; do they have enough memory?`)
}

async function targetOf({ folder, shards }: WorkerOptions, job: ShardJob): Promise<ShardFiles> {
  if (!isBucketUrl(job.shards))
    return shardFiles(await openStore(await fromShared(folder, job.shards)), job.spec.output)
  if (shards !== undefined && `${job.shards}/`.startsWith(`${shards.replace(/\/+$/, '')}/`))
    return shardFiles(await openStore(job.shards), job.spec.output)
  const advice = 'start the worker with --shards s3://…, where shards may be put'
  throw new TpError('TP_QUEUE', 'bulk', `the queue asks for ${job.shards}, which this worker does not serve; ${advice}`)
}

interface OpenModels {
  /** @throws TpError TP_CHANGED if the files are not those that were planned with */
  open(job: ShardJob): Promise<BulkModel>
  close(): Promise<void>
}

/** The model of the last shards: a queue holds those of one run after those of another. */
function openModels({ folder, threads, methods }: WorkerOptions): OpenModels {
  let last: { readonly name: string; readonly model: Promise<BulkModel> } | undefined
  const open = async (job: ShardJob): Promise<BulkModel> => {
    const here = (path: string | undefined) => (path === undefined ? undefined : fromShared(folder, path))
    const [tokenizer, dense] = await Promise.all([here(job.tokenizer), here(job.dense)])
    const files = await readModelFiles({ model: await fromShared(folder, job.model), tokenizer, dense })
    if (files.hash !== job.spec.model) throw changedError(job.model)
    const { compute } = job.spec
    const plan = compute.plan && readRunPlan(compute.plan, 'the queue')
    return await openBulkModel(files, { ...compute, plan }, { threads, methods })
  }
  return {
    async open(job) {
      const { runtime, plan, guard } = job.spec.compute
      const name = JSON.stringify([job.spec.model, job.model, runtime, plan, guard])
      if (last?.name === name) return await last.model
      // Runs that are under way end first.
      const previous = last?.model.then((model) => model[Symbol.asyncDispose]()).catch(() => undefined)
      const model = (previous ?? Promise.resolve()).then(() => open(job))
      last = { name, model }
      model.catch(() => {
        if (last?.model === model) last = undefined
      })
      return await model
    },
    async close() {
      await last?.model.then((model) => model[Symbol.asyncDispose]()).catch(() => undefined)
    },
  }
}
