import { TpError } from '@tp/core'
import type { Job, Queue, QueueOptions, Worker, WorkerOptions } from 'bullmq'
import { QUEUE, type ShardJob } from './shard-job.ts'

/** BullMQ on the server of a URL. */
export interface Connection {
  openQueue(): Promise<Queue<ShardJob>>
  openWorker(
    process: (job: Job<ShardJob>) => Promise<void>,
    options: Omit<WorkerOptions, 'connection'>,
  ): Promise<Worker<ShardJob>>
}

/**
 * @param url `redis:`, `rediss:` or `valkey:`; `postgres:` or `postgresql:`
 * @param patience milliseconds in which the server has to answer first; later it may be away for as long as it wants
 * @throws TpError TP_OPTION; TP_QUEUE
 */
export async function connect(url: string, patience = 10_000): Promise<Connection> {
  const { protocol, host } = parse(url)
  const isPostgres = protocol === 'postgres:' || protocol === 'postgresql:'
  const packages = isPostgres ? 'bullmq and pg' : 'bullmq and ioredis'
  const bull = await import('bullmq').catch((cause: unknown) => {
    throw queueError(`BullMQ is not installed; install ${packages} next to @tp/bulk`, cause)
  })
  const backend = isPostgres ? bull.createPostgresBackend : undefined
  const connection = (
    isPostgres
      ? { connectionString: url, migrate: true }
      : { url: url.replace(/^valkey/, 'redis'), maxRetriesPerRequest: null }
  ) as QueueOptions['connection']
  const ready = async <T extends Queue | Worker>(opened: T): Promise<T> => {
    // It is tried again; without a listener the process would end.
    let last: Error | undefined
    const keep = (error: Error): void => {
      last = error
    }
    ;(opened as Pick<NodeJS.EventEmitter, 'on'>).on('error', keep)
    const late = AbortSignal.timeout(patience)
    const waiting = new Promise<never>((_, reject) => {
      late.addEventListener('abort', () =>
        reject(
          queueError(`${host} does not answer (${last?.message ?? 'no connection'}); is a server running there?`, last),
        ),
      )
    })
    try {
      await Promise.race([opened.waitUntilReady(), waiting])
    } catch (error) {
      await Promise.race([opened.close(true), new Promise((resolve) => setTimeout(resolve, 1000))]).catch(
        () => undefined,
      )
      throw error instanceof TpError ? error : queueError(`${host} refuses: ${(error as Error).message}`, error)
    }
    return opened
  }
  // The types of BullMQ tie a queue to its backend; ours are used alike on each.
  return {
    openQueue: () => ready(new bull.Queue<ShardJob>(QUEUE, { connection }, backend as never)),
    openWorker: (process, options) =>
      ready(new bull.Worker<ShardJob>(QUEUE, process, { ...options, connection }, backend as never)),
  }
}

const PROTOCOLS = ['redis:', 'rediss:', 'valkey:', 'postgres:', 'postgresql:']

function parse(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed !== undefined && PROTOCOLS.includes(parsed.protocol)) return parsed
  throw new TpError(
    'TP_OPTION',
    'bulk',
    `the queue is "${url}"; give a URL such as redis://localhost:6379 or postgres://localhost/tp`,
  )
}

function queueError(message: string, cause: unknown): TpError {
  return new TpError('TP_QUEUE', 'bulk', message, { cause })
}
