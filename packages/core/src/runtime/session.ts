import { asError, isTpError, TpError } from '../errors.ts'
import { type AbortSignalLike, abortError, throwIfAborted } from './abort.ts'
import { checkInputs } from './check-inputs.ts'
import { checkKnownOptions } from './known-options.ts'
import type { ModelSignature, NamedTensors, Session, SessionOptions } from './runtime.ts'

/**
 * The part that a runtime supplies for one loaded model. No call is made while another is under way, unless it says that several
 * may be; none after `close`.
 */
export interface SessionBackend extends ModelSignature {
  /** Runs inputs that have been checked. A runtime that can end a run early does so when the signal is aborted. */
  run(inputs: NamedTensors, signal?: AbortSignalLike): Promise<NamedTensors>
  close(): Promise<void>
}

interface Job {
  start(): Promise<void>
  drop(error: TpError): void
}

/** How many runs a session accepts. */
export interface SessionLimits {
  /** Runs inside the runtime at the same time. Default 1. */
  readonly atOnce?: number
  /** Runs that may wait for them; one more is rejected with TP_BUSY. Default: any number. */
  readonly waiting?: number
}

/**
 * The behavior that all runtimes share: input checks, runs in order of arrival, signals, disposal.
 * `where` names runtime and model in errors.
 */
export function openSession(
  where: string,
  backend: SessionBackend,
  { atOnce = 1, waiting: mostWaiting = Number.POSITIVE_INFINITY }: SessionLimits = {},
): Session {
  const waiting: Job[] = []
  const underWay = new Set<Promise<void>>()
  let disposal: Promise<void> | undefined

  function startNext(): void {
    while (underWay.size < atOnce) {
      const job = waiting.shift()
      if (job === undefined) return
      const work: Promise<void> = job.start().then(() => {
        underWay.delete(work)
        startNext()
      })
      underWay.add(work)
    }
  }

  function enqueue<T>(task: () => Promise<T>, signal?: AbortSignalLike): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const job: Job = {
        async start() {
          signal?.removeEventListener('abort', onAbort)
          try {
            const result = await task()
            throwIfAborted(signal, where)
            resolve(result)
          } catch (thrown) {
            const cause = asError(thrown)
            if (signal?.aborted) reject(abortError(where, signal))
            else
              reject(
                isTpError(cause) ? cause : new TpError('TP_RUN', where, `the run failed: ${cause.message}`, { cause }),
              )
          }
        },
        drop(error) {
          signal?.removeEventListener('abort', onAbort)
          reject(error)
        },
      }
      const onAbort = (): void => {
        waiting.splice(waiting.indexOf(job), 1)
        job.drop(abortError(where, signal as AbortSignalLike))
      }
      signal?.addEventListener('abort', onAbort)
      waiting.push(job)
      startNext()
    })
  }

  function throwIfDisposed(): void {
    if (disposal !== undefined) throw disposed(where)
  }

  async function close(): Promise<void> {
    for (const job of waiting.splice(0)) job.drop(disposed(where))
    await Promise.all(underWay)
    await backend.close()
  }

  const session: Session = {
    inputs: backend.inputs,
    outputs: backend.outputs,
    async run(inputs, { signal } = {}) {
      throwIfDisposed()
      throwIfAborted(signal, where)
      checkInputs(where, backend.inputs, inputs)
      if (underWay.size >= atOnce && waiting.length >= mostWaiting) throw busy(where, waiting.length)
      return enqueue(() => backend.run(inputs, signal), signal)
    },
    async warmUp(...inputs) {
      for (const feeds of inputs) await session.run(feeds)
    },
    async dispose() {
      disposal ??= close()
      return disposal
    },
    [Symbol.asyncDispose]: () => session.dispose(),
  }
  return Object.freeze(session)
}

/**
 * The session of a model that has just been loaded; everything is freed if loading was aborted meanwhile.
 * @throws TpError TP_ABORTED
 */
export async function openSessionUnlessAborted(
  where: string,
  backend: SessionBackend,
  signal: AbortSignalLike | undefined,
  limits: SessionLimits = {},
): Promise<Session> {
  const session = openSession(where, backend, limits)
  try {
    throwIfAborted(signal, where)
  } catch (aborted) {
    await session.dispose()
    throw aborted
  }
  return session
}

/** Far more than processors have: engines try to start any number. */
const MOST_THREADS = 1024

/** @throws TpError TP_OPTION for an option that is unknown, and for an impossible number of threads */
export function checkSessionOptions(where: string, options: SessionOptions): void {
  checkKnownOptions(where, options, ['threads', 'worker', 'signal'])
  checkThreads(where, options)
}

/** @throws TpError TP_OPTION for an impossible number of threads */
export function checkThreads(where: string, { threads }: SessionOptions): void {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) return
  const range = `from 1 to ${MOST_THREADS.toLocaleString('en')}`
  throw new TpError('TP_OPTION', where, `threads is ${threads}; give a whole number ${range}, or leave it out`)
}

/**
 * Checks the argument of `load`: JavaScript callers may pass anything.
 * @throws TpError TP_MODEL_LOAD unless it is a string or a Uint8Array, of any realm and memory
 */
export function checkModelSource(where: string, model: unknown): void {
  const seen = Object.prototype.toString.call(model).slice(8, -1)
  if (typeof model === 'string' || (ArrayBuffer.isView(model) && seen === 'Uint8Array')) return
  throw new TpError(
    'TP_MODEL_LOAD',
    where,
    `the model is of class ${seen}; give its path, or its bytes as a Uint8Array`,
  )
}

function disposed(where: string): TpError {
  return new TpError('TP_DISPOSED', where, 'the session has been disposed; load the model again')
}

function busy(where: string, count: number): TpError {
  return new TpError(
    'TP_BUSY',
    where,
    `${count} runs are waiting already; retry when some have ended, or allow more to wait`,
  )
}
