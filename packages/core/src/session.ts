import { type AbortSignalLike, abortError, throwIfAborted } from './abort.ts'
import { checkInputs } from './check-inputs.ts'
import { isTpError, TpError } from './errors.ts'
import type { NamedTensors, Session, SessionOptions, ValueInfo } from './runtime.ts'

/** What a runtime has to supply for one loaded model. No call is made while another is under way, none after `close`. */
export interface SessionBackend {
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  /** Runs inputs that have been checked. */
  run(inputs: NamedTensors): Promise<NamedTensors>
  endProfile(): Promise<string | undefined>
  close(): Promise<void>
}

interface Job {
  start(): Promise<void>
  drop(error: TpError): void
}

/**
 * The behaviour that all runtimes share: input checks, one run at a time in order of arrival, signals, disposal.
 * `where` names runtime and model in errors.
 */
export function openSession(where: string, backend: SessionBackend): Session {
  const waiting: Job[] = []
  let underWay: Promise<void> | undefined
  let disposal: Promise<void> | undefined

  async function work(): Promise<void> {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await job.start()
    underWay = undefined
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
          } catch (cause) {
            reject(isTpError(cause) ? cause : new TpError('TP_RUN', where, `the run failed: ${text(cause)}`, { cause }))
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
      underWay ??= work()
    })
  }

  function throwIfDisposed(): void {
    if (disposal !== undefined) throw disposed(where)
  }

  async function close(): Promise<void> {
    for (const job of waiting.splice(0)) job.drop(disposed(where))
    await underWay
    await backend.close()
  }

  const session: Session = {
    inputs: backend.inputs,
    outputs: backend.outputs,
    async run(inputs, { signal } = {}) {
      throwIfDisposed()
      throwIfAborted(signal, where)
      checkInputs(where, backend.inputs, inputs)
      return enqueue(() => backend.run(inputs), signal)
    },
    async warmUp(...inputs) {
      for (const feeds of inputs) await session.run(feeds)
    },
    async endProfile() {
      throwIfDisposed()
      return enqueue(() => backend.endProfile())
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
 * The session of a model that has just been loaded; everything is given back if that was no longer wanted.
 * @throws TpError TP_ABORTED
 */
export async function openSessionUnlessAborted(
  where: string,
  backend: SessionBackend,
  signal: AbortSignalLike | undefined,
): Promise<Session> {
  const session = openSession(where, backend)
  try {
    throwIfAborted(signal, where)
  } catch (aborted) {
    await session.dispose()
    throw aborted
  }
  return session
}

/** @throws TpError TP_OPTION for a number of threads that cannot be */
export function checkThreads(where: string, { threads }: SessionOptions): void {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1)) return
  throw new TpError('TP_OPTION', where, `threads is ${threads}; give a whole number from 1 on, or leave it out`)
}

function disposed(where: string): TpError {
  return new TpError('TP_DISPOSED', where, 'the session has been disposed; load the model again')
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
