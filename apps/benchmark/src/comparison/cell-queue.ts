import { randomUUID } from 'node:crypto'
import { TpError } from '@tp/core'
import { type ConnectionOptions, Queue, QueueEvents } from 'bullmq'
import { Redis } from 'ioredis'
import { cellKey } from './cell.ts'
import type { QualityCell, QualityValue } from './open-stage.ts'
import type { attempt } from './results.ts'

/** The queue's name, and what its keys begin with. */
export const CELLS = 'tp-cells'

/** The task of a worker. */
export interface CellJob {
  readonly cell: QualityCell
  /** At most so many examples of a split. */
  readonly examples: number
  /** The identity of the subject's files, which have to be the same on all machines. */
  readonly files: string
}

export type Attempted = Awaited<ReturnType<typeof attempt<QualityValue>>>

/** Has cells measured by workers. */
export interface CellQueue extends AsyncDisposable {
  /** Each is measured once, whatever becomes of a worker. @throws what a worker failed with */
  measure(job: CellJob): Promise<Attempted>
}

/** Milliseconds in which the server has to answer, and after which a message says how to start a worker if there is none. */
const PATIENCE = 10_000

/**
 * The connection of BullMQ, once a server has answered there; later it may be away for as long as it wants.
 * @param url `redis:`, `rediss:` or `valkey:`
 * @throws TpError TP_OPTION; TP_QUEUE
 */
export async function connectionTo(url: string): Promise<ConnectionOptions> {
  if (!/^(?:rediss?|valkey):\/\//.test(url)) {
    throw new TpError('TP_OPTION', 'benchmark', `--queue is "${url}"; give a URL such as redis://localhost:6379`)
  }
  const address = url.replace(/^valkey/, 'redis')
  const first = new Redis(address, { lazyConnect: true, retryStrategy: () => null, connectTimeout: PATIENCE })
  let seen = 'no connection'
  first.on('error', ({ message }: Error) => {
    seen = message
  })
  try {
    await first.connect()
  } catch (cause) {
    throw new TpError('TP_QUEUE', 'benchmark', `${url} does not answer (${seen}); is a server running there?`, {
      cause,
    })
  } finally {
    first.disconnect()
  }
  return { url: address, maxRetriesPerRequest: null }
}

/** @param tell told if there is no worker, and when the server is away */
export async function openCellQueue(url: string, tell: (text: string) => void): Promise<CellQueue> {
  const connection = await connectionTo(url)
  const queue = new Queue<CellJob, Attempted>(CELLS, { connection })
  const events = new QueueEvents(CELLS, { connection })
  const tellError = ({ message }: Error): void => tell(`${message}\n`)
  queue.on('error', tellError)
  events.on('error', tellError)
  // Every job waits for its end.
  events.setMaxListeners(0)
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()])
  const run = randomUUID()
  let requested = false
  const look = async (): Promise<void> => {
    if (requested && (await queue.getWorkersCount()) === 0)
      tell(`no worker yet: npm run benchmark -- worker --queue ${url}\n`)
  }
  const timer = setTimeout(() => void look(), PATIENCE)
  return {
    async measure(job) {
      requested = true
      const jobId = `${run}-${Buffer.from(cellKey(job.cell)).toString('base64url')}`
      const options = { jobId, removeOnComplete: { age: 3600 }, removeOnFail: { age: 3600 } }
      const added = await queue.add('cell', job, options)
      return added.waitUntilFinished(events)
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer)
      await Promise.all([queue.close(), events.close()])
    },
  }
}
