// Runs of models in a process of their own, with bounds on its memory and time.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { TpError } from '@tp/core'
import type { WorkerAnswer } from '@tp/core/runtime'
import {
  type AbortSignalLike,
  type Diagnosis,
  type NamedTensors,
  openSessionUnlessAborted,
  type Runtime,
  receiveError,
  type Session,
  type SessionBackend,
  throwIfAborted,
} from '@tp/core/runtime'
import { placeOf } from '../open-model.ts'
import { type BoundedRequest, type Bounds, ENDED_BY } from './protocol.ts'

/** Memory and time that every model may take; small ones need a tenth of it. */
const LEAST: Bounds = { bytes: 2 ** 30, seconds: 3 }
/** A runtime holds weights several times while it optimizes a model. */
const COPIES = 6
/** Bytes of weights for which a second more is given. */
const BYTES_A_SECOND = 4 * 2 ** 20

/** Tokens of a run that this time is enough for. */
const TOKENS = 512
/** A runtime holds what it computes in a layer a few times, too: at most so much of it is believed. */
const MOST_COMPUTED = 2 ** 32

/** The largest run of a model. */
export interface RunSize {
  /** Of all examples: each reads all weights. */
  readonly tokens: number
  /** Bytes of the scores of a layer's attention. */
  readonly scores: number
}

/** Bounds for a model by the size of its files, and by what it is to compute. */
export function boundsFor(bytes: number, { tokens, scores }: RunSize = { tokens: TOKENS, scores: 0 }): Bounds {
  const seconds = (bytes / BYTES_A_SECOND) * Math.max(1, tokens / TOKENS)
  return {
    bytes: LEAST.bytes + COPIES * bytes + Math.min(MOST_COMPUTED, COPIES * scores),
    seconds: LEAST.seconds + seconds,
  }
}

interface BoundedOptions {
  readonly bounds: Bounds
  /** Path or URL of the module of another runtime, a runtime plugin; default: that of this package. */
  readonly module?: string
}

/** A process that models are loaded into, next to each other. Its bounds are those of all of them together. */
export interface BoundedProcess extends AsyncDisposable {
  /** @throws TpError TP_MODEL_LIMIT, TP_MODEL_LOAD, TP_ABORTED; runs also TP_RUN */
  load(from: Uint8Array | string, options: BoundedOptions): Promise<Session>
  /**
   * A runtime of which only this process loads the libraries, since a damaged one ends the process that loads it. Small models
   * alone can be loaded.
   * @param module as in the options of `load`
   */
  runtime(module?: string): Runtime
}

const child = fileURLToPath(new URL('./child.js', import.meta.url))

/**
 * A process of their own for models, which is ended where they take more memory or time than they may: a file can ask for
 * any number of elements or steps, and a runtime cannot be stopped. An abort ends it at once.
 *
 * @example
 * await using process = boundedProcess(new AbortController().signal)
 * await using session = await process.load('model.onnx', { bounds: boundsFor(bytesOfTheFile) })
 */
export function boundedProcess(signal: AbortSignalLike): BoundedProcess {
  let models = 0
  let total: Bounds = { bytes: 0, seconds: 0 }
  let started: { readonly process: ChildProcess; readonly ask: AskChild } | undefined
  const start = (where: string): NonNullable<typeof started> => {
    throwIfAborted(signal, where)
    started ??= startChild()
    return started
  }
  const load: BoundedProcess['load'] = async (from, { module, bounds }) => {
    const where = placeOf(from)
    const { ask, process } = start(where)
    total = { bytes: total.bytes + bounds.bytes, seconds: total.seconds + bounds.seconds }
    const model = models++
    const about = { where, bounds: total }
    const declared = (await ask(
      { kind: 'load', model, from, bounds, ...(module !== undefined && { module }) },
      about,
      signal,
    )) as Pick<SessionBackend, 'inputs' | 'outputs'>
    const backend: SessionBackend = {
      ...declared,
      run: (inputs, runSignal) =>
        ask({ kind: 'run', model, inputs }, about, runSignal ?? signal) as Promise<NamedTensors>,
      // The end of the process closes all of them.
      close: async () => {
        if (!hasEnded(process)) await ask({ kind: 'close', model }, about, signal).catch(() => undefined)
      },
    }
    return await openSessionUnlessAborted(where, backend, signal)
  }
  return {
    load,
    runtime(module) {
      const own = module === undefined ? {} : { module }
      return {
        name: module ?? 'node',
        load: (from) => load(from, { ...own, bounds: LEAST }),
        async diagnose() {
          const about = { where: 'runtime-node', bounds: total }
          return (await start(about.where).ask({ kind: 'diagnose', ...own }, about, signal)) as Diagnosis
        },
      }
    },
    async [Symbol.asyncDispose]() {
      if (started !== undefined) await end(started.process)
    },
  }
}

function startChild(): { readonly process: ChildProcess; readonly ask: AskChild } {
  // No flags of this process: they may not suit the child (a debugger's port).
  const process = fork(child, [], { serialization: 'advanced', stdio: 'ignore', execArgv: [] })
  const ask = askerOf(process)
  // One at a time: answers do not say which request they are of.
  let before: Promise<unknown> = Promise.resolve()
  return {
    process,
    ask(...request) {
      const answer = before.then(() => ask(...request))
      before = answer.catch(() => undefined)
      return answer
    },
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

async function end(process: ChildProcess): Promise<void> {
  if (hasEnded(process)) return
  const exited = once(process, 'exit')
  process.kill('SIGKILL')
  await exited
}

/** The message for a request that the child does not survive. */
interface RequestFacts {
  readonly where: string
  /** Of all models that are in the process. */
  readonly bounds: Bounds
}

type AskChild = (request: BoundedRequest, about: RequestFacts, signal: AbortSignalLike) => Promise<unknown>

function askerOf(process: ChildProcess): AskChild {
  return (request, { where, bounds }, signal) =>
    new Promise((resolve, reject) => {
      const abort = (): void => void process.kill('SIGKILL')
      const finish = (): void => {
        signal.removeEventListener('abort', abort)
        process.off('message', answered).off('exit', exited).off('error', failed)
      }
      const answered = (answer: WorkerAnswer): void => {
        finish()
        if (answer.ok) resolve(answer.value)
        else reject(receiveError(answer.error))
      }
      const exited = (_: number | null, by: NodeJS.Signals | null): void => {
        finish()
        try {
          throwIfAborted(signal, where)
          reject(endedBy(by, where, request, bounds))
        } catch (aborted) {
          reject(aborted)
        }
      }
      const failed = (cause: Error): void => {
        finish()
        reject(new TpError('TP_RUN', where, `no process could be started to run it: ${cause.message}`, { cause }))
      }
      process.on('message', answered).on('exit', exited).on('error', failed)
      signal.addEventListener('abort', abort)
      if (process.connected) process.send(request, (error) => error && failed(error))
      else exited(process.exitCode, process.signalCode)
    })
}

const advice = 'run it without bounds only if you know where it comes from'

function endedBy(signal: NodeJS.Signals | null, where: string, { kind }: BoundedRequest, bounds: Bounds): TpError {
  if (signal === ENDED_BY.memory || signal === ENDED_BY.time) {
    const taken =
      signal === ENDED_BY.memory ? `${(bounds.bytes / 2 ** 30).toFixed(1)} GiB` : `${bounds.seconds.toFixed(0)} s`
    const seen = `to ${kind} the model takes more than ${taken}, far more than one of its size needs`
    return new TpError('TP_MODEL_LIMIT', where, `${seen}; ${advice}`)
  }
  const by = signal === null ? '' : ` (${signal})`
  if (kind === 'diagnose') {
    const seen = `the process that loads its libraries died${by}, so one of them is damaged`
    return new TpError('TP_RUNTIME_MISSING', where, `${seen}; install onnxruntime-node and @tp/runtime-native again`)
  }
  const seen = `onnxruntime died of the model${by}`
  return new TpError('TP_RUN', where, `${seen}; it cannot be run`)
}
