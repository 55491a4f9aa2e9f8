import { availableParallelism, cpus } from 'node:os'
import { TpError } from '@tp/core'
import {
  checkKnownOptions,
  checkModelSource,
  checkSessionOptions,
  type Diagnosis,
  openSessionUnlessAborted,
  type Runtime,
  type Session,
  type SessionOptions,
  throwIfAborted,
} from '@tp/core/runtime'
import { openAddon } from './addon.ts'
import { openModel, placeOf } from './open-model.ts'

export interface NativeOptions {
  /** Runs of one session that compute at the same time, each on a thread of its own (and `threads` more share); up to 1,024. Default 1. */
  readonly atOnce?: number
  /** Runs of one session that may wait; one more is rejected with TP_BUSY. Default 10,000. */
  readonly waiting?: number
}

/**
 * onnxruntime's own library on threads of its own: loading and runs never block the event loop, a run that is aborted ends
 * early, and packed models run (see `pack` of `@tp/compiler`). `worker` makes no difference.
 * @throws TpError TP_OPTION for limits that cannot be
 * @example
 * const session = await nativeRuntime({ atOnce: 2 }).load('packed.onnx', { threads: 1 })
 * const answers = await Promise.all(batches.map((batch) => session.run(batch)))
 */
export function nativeRuntime(options: NativeOptions = {}): Runtime {
  checkKnownOptions('runtime-native', options, ['atOnce', 'waiting'])
  const { atOnce = 1, waiting = 10_000 } = options
  checkLimit('atOnce', atOnce, 1, 1024)
  checkLimit('waiting', waiting, 0, Number.POSITIVE_INFINITY)

  async function load(model: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
    const { threads, signal } = options
    checkModelSource('runtime-native', model)
    const where = placeOf(model)
    checkSessionOptions(where, options)
    throwIfAborted(signal, where)
    const backend = await openModel(model, { threads, atOnce })
    return await openSessionUnlessAborted(where, backend, signal, { atOnce, waiting })
  }

  return Object.freeze({ name: 'native', load, diagnose })
}

async function diagnose(): Promise<Diagnosis> {
  const { about } = openAddon()
  return {
    runtime: 'onnxruntime',
    version: about.version,
    threads: availableParallelism(),
    device: cpus()[0]?.model.trim() || 'unknown processor',
    notes: [
      `Node ${process.versions.node}, ${process.platform} ${process.arch}`,
      `packed attention is computed with ${about.instructions} instructions, compiled by ${about.compiler}`,
    ],
  }
}

function checkLimit(name: string, value: number, least: number, most: number): void {
  if ((Number.isInteger(value) || value === most) && value >= least && value <= most) return
  const range = most === Number.POSITIVE_INFINITY ? `from ${least} on` : `from ${least} to ${most}`
  throw new TpError('TP_OPTION', 'runtime-native', `${name} is ${value}; give a whole number ${range}`)
}
