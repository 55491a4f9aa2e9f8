import { setTimeout } from 'node:timers/promises'
import { TpError } from '@tp/core'
import type { Job, Queue, QueueOptions, Worker, WorkerOptions } from 'bullmq'
import { openPool } from './postgres.ts'
import { isRefusal } from './refusal.ts'
import { QUEUE, type ShardJob } from './shard-job.ts'

/** BullMQ on the server of a URL. Queues and workers are closed before the connection is. */
export interface Connection {
  openQueue(): Promise<Queue<ShardJob>>
  openWorker(
    process: (job: Job<ShardJob>) => Promise<void>,
    options: Omit<WorkerOptions, 'connection'>,
  ): Promise<Worker<ShardJob>>
  [Symbol.asyncDispose](): Promise<void>
}

/** Milliseconds between two attempts to reach a server. */
const AGAIN = 500

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

  /** Tries again until the server answers, has refused, or patience is over. */
  const answered = async <T>(attempt: (late: AbortSignal) => Promise<T>): Promise<T> => {
    const late = AbortSignal.timeout(patience)
    for (;;) {
      try {
        return await attempt(late)
      } catch (error) {
        if (error instanceof TpError) throw error
        if (isMissing(error)) throw queueError(`${packages} are not installed next to @tp/bulk`, error)
        if (!isPostgres || isRefusal(error)) throw refused(host, error)
        if (late.aborted) throw unanswered(host, error as Error)
        await setTimeout(Math.min(AGAIN, patience))
      }
    }
  }
  const ready = async <T extends Queue | Worker>(open: () => T, late: AbortSignal): Promise<T> => {
    const opened = open()
    // It is tried again; without a listener the process would end.
    let last: Error | undefined
    ;(opened as Pick<NodeJS.EventEmitter, 'on'>).on('error', (error: Error) => {
      last = error
    })
    const waiting = new Promise<never>((_, reject) => {
      late.addEventListener('abort', () => reject(unanswered(host, last)))
    })
    try {
      await Promise.race([opened.waitUntilReady(), waiting])
      return opened
    } catch (error) {
      await Promise.race([opened.close(true), setTimeout(1000, undefined, { ref: false })]).catch(() => undefined)
      throw error
    }
  }

  const pool = isPostgres ? await answered(() => openPool(url, patience)) : undefined
  const backend = isPostgres ? bull.createPostgresBackend : undefined
  const connection = (pool ?? {
    url: url.replace(/^valkey/, 'redis'),
    maxRetriesPerRequest: null,
  }) as QueueOptions['connection']
  // The types of BullMQ tie a queue to its backend; ours are used alike on each.
  return {
    openQueue: () =>
      answered((late) => ready(() => new bull.Queue<ShardJob>(QUEUE, { connection }, backend as never), late)),
    openWorker: (process, options) =>
      answered((late) =>
        ready(() => new bull.Worker<ShardJob>(QUEUE, process, { ...options, connection }, backend as never), late),
      ),
    async [Symbol.asyncDispose]() {
      await pool?.end()
    },
  }
}

/** Does nothing for an error of a queue that passes, as while its server is away. @throws TpError TP_QUEUE for a refusal */
export function requirePassing(url: string, error: unknown): void {
  if (isRefusal(error)) throw refused(parse(url).host, error)
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

function unanswered(host: string, last: Error | undefined): TpError {
  return queueError(`${host} does not answer (${last?.message ?? 'no connection'}); is a server running there?`, last)
}

function refused(host: string, error: unknown): TpError {
  return queueError(`${host} refuses: ${(error as Error).message}`, error)
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND'
}

function queueError(message: string, cause: unknown): TpError {
  return new TpError('TP_QUEUE', 'bulk', message, { cause })
}
