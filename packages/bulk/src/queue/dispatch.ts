import { setTimeout } from 'node:timers/promises'
import { type AbortSignalLike, throwIfAborted } from '@tp/core/runtime'
import type { Queue } from 'bullmq'
import type { ModelPaths } from '../model/model-files.ts'
import { isBucketUrl } from '../shards/s3-store.ts'
import type { Shard } from '../shards/shard.ts'
import type { ShardFiles } from '../shards/shard-files.ts'
import { connect, requirePassing } from './connect.ts'
import { type ShardJob, toShared } from './shard-job.ts'

export interface DispatchTarget extends ModelPaths {
  readonly url: string
  /** The folder that workers have. */
  readonly folder: string
  /** Path of the folder of the shards. */
  readonly shards: string
}

export interface DispatchOptions {
  readonly folder: ShardFiles
  readonly signal: AbortSignalLike | undefined
  readonly rowsBefore: number
  readonly tell: (rows: number, workers?: number) => void
}

/** Milliseconds between two looks at the folder. */
const LOOK = 500
/** Milliseconds without news after which everything that is missing is put on the queue again; then twice as long, up to the last. */
const [QUIET, LONGEST_QUIET] = [10_000, 160_000]
const CHUNK = 1000

/**
 * Lets workers compute shards, and waits until each is there or has failed. The folder decides what is done; the queue only says what
 * to do. So a queue that forgets does no harm: missing shards are put there again, and a shard that it still has is not put
 * there twice.
 * @throws TpError TP_QUEUE, TP_OPTION for files outside the folder, TP_ABORTED
 */
export async function computeOnQueue(
  shards: readonly Shard[],
  target: DispatchTarget,
  { folder, signal, rowsBefore, tell }: DispatchOptions,
): Promise<void> {
  if (shards.length === 0) return
  const jobs = await jobsOf(shards, target)
  const connection = await connect(target.url)
  const queue = await connection.openQueue()
  const add = async (missing: Iterable<ShardJob>): Promise<boolean> => {
    try {
      await addJobs(queue, missing)
      return true
    } catch (error) {
      requirePassing(target.url, error)
      return false
    }
  }
  try {
    const missing = new Map(jobs.map((job) => [job.key, job]))
    let [rows, isAdded, quiet, news] = [rowsBefore, false, QUIET, performance.now()]
    while (missing.size > 0) {
      throwIfAborted(signal, 'bulk')
      const isQuiet = performance.now() - news >= quiet
      if (!isAdded || isQuiet) {
        // A server that does not answer in time may still carry out the request.
        isAdded = (await within(quiet, add(missing.values()))) ?? true
        if (isQuiet) [quiet, news] = [Math.min(2 * quiet, LONGEST_QUIET), performance.now()]
      }
      await setTimeout(LOOK)
      const { done, failed } = await folder.state()
      const found = [...missing.values()].filter(({ key }) => done.has(key) || failed.has(key))
      for (const { key, spec } of found) {
        missing.delete(key)
        if (done.has(key)) rows += spec.rows.rows
      }
      if (found.length > 0) [quiet, news] = [QUIET, performance.now()]
      tell(rows, await within(1000, noneIfFailed(queue.getWorkersCount())))
    }
  } finally {
    // When a run is interrupted, workers need not go on with waiting shards.
    if (signal?.aborted) await within(5000, withdraw(queue, jobs))
    await within(5000, noneIfFailed(queue.close()))
    await within(5000, noneIfFailed(connection[Symbol.asyncDispose]()))
  }
}

async function jobsOf(
  shards: readonly Shard[],
  { folder, model, tokenizer, dense, shards: shardsPath }: DispatchTarget,
): Promise<ShardJob[]> {
  const shared = {
    model: await toShared(folder, model, 'the model'),
    ...(tokenizer !== undefined && { tokenizer: await toShared(folder, tokenizer, 'the tokenizer') }),
    ...(dense !== undefined && { dense: await toShared(folder, dense, 'the dense model') }),
    shards: isBucketUrl(shardsPath) ? shardsPath : await toShared(folder, shardsPath, 'the folder of the shards'),
  }
  const paths = new Map<string, string>()
  for (const { location } of shards) {
    if (!paths.has(location.path)) paths.set(location.path, await toShared(folder, location.path, 'the data'))
  }
  return shards.map(({ key, spec, location }) => ({
    ...shared,
    key,
    spec,
    location: { ...location, path: paths.get(location.path) as string },
  }))
}

/** Adds shards to a queue; one that it has already remains as it is. */
async function addJobs(queue: Queue<ShardJob>, jobs: Iterable<ShardJob>): Promise<void> {
  const all = [...jobs]
  for (let i = 0; i < all.length; i += CHUNK) {
    await queue.addBulk(
      all.slice(i, i + CHUNK).map((data) => ({
        name: 'shard',
        data,
        opts: {
          jobId: idOf(data),
          attempts: 3,
          backoff: { type: 'exponential', delay: 1000 },
          // The folder tells what is done, and what has failed and why.
          removeOnComplete: true,
          removeOnFail: true,
        },
      })),
    )
  }
}

async function withdraw(queue: Queue<ShardJob>, jobs: readonly ShardJob[]): Promise<void> {
  for (const job of jobs) await queue.remove(idOf(job)).catch(() => 0)
}

/** One folder's shard: another run may want the same one elsewhere. */
function idOf({ key, shards }: ShardJob): string {
  return `${key}-${Buffer.from(shards).toString('base64url')}`
}

/** The answer of a server; undefined if it is away and would keep us waiting. */
async function within<T>(milliseconds: number, work: Promise<T>): Promise<T | undefined> {
  const done = new AbortController()
  const late = setTimeout(milliseconds, undefined, { signal: done.signal }).catch(() => undefined)
  try {
    return await Promise.race([work, late])
  } finally {
    done.abort()
  }
}

function noneIfFailed<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch(() => undefined)
}
