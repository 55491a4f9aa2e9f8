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
import { platform } from '#platform'
import { diagnose } from './diagnose.ts'
import { openModel } from './ort/open-model.ts'
import type { OrtBuild, WasmPaths } from './ort/start-ort.ts'
import type { WorkerHandle } from './platform/platform.ts'
import { chooseThreads, type Threads } from './threads.ts'
import { openModelInWorker } from './worker/client.ts'
import { handleOf } from './worker/handle.ts'
import { byImportMap, startUnbundled } from './worker/unbundled.ts'

export interface WebRuntimeOptions {
  /**
   * Where onnxruntime's files are served: a folder with a slash at its end, or the two files. Default: where the bundler
   * has put them.
   */
  readonly wasmPaths?: WasmPaths
}

/** The differences between the builds of onnxruntime-web. */
export interface WebEngine extends OrtBuild {
  /** By which name it is imported. */
  readonly ortName: string
  /** A worker that serves one model, in the form in which bundlers recognise one. */
  startBundledWorker(): Worker
  /** Threads where none are requested, out of the processor's. */
  standardThreads(cores: number): number
  /** @throws TpError TP_DEVICE if what computes is not there */
  checkDevice(where: string): Promise<void>
}

export function webRuntime(engine: WebEngine, runtimeOptions: WebRuntimeOptions): Runtime {
  checkKnownOptions(`runtime-web: ${engine.name}`, runtimeOptions, ['wasmPaths'])
  const { wasmPaths } = runtimeOptions
  let lastThreads: Threads | undefined

  async function load(model: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
    checkModelSource('runtime-web', model)
    const where = placeOf(model)
    checkSessionOptions(where, options)
    const { worker = false, signal } = options
    throwIfAborted(signal, where)
    await engine.checkDevice(where)
    const bytes = typeof model === 'string' ? await platform.readModel(where, model, signal) : model
    throwIfAborted(signal, where)
    lastThreads = chooseThreads(options.threads, engine.standardThreads, worker || servesModule(engine, wasmPaths))
    const start = { threads: lastThreads.got, wasmPaths: absolute(wasmPaths) }
    const backend = worker
      ? await openModelInWorker(where, () => startWorker(engine), new Uint8Array(bytes), start, signal)
      : await openModel(where, engine, bytes, start)
    return await openSessionUnlessAborted(where, backend, signal)
  }

  return Object.freeze({
    name: engine.name,
    load,
    diagnose: (): Promise<Diagnosis> => diagnose(engine, lastThreads),
  })
}

function startWorker(engine: WebEngine): WorkerHandle {
  return (
    platform.startWorkerThread?.(`worker/${engine.name}.js`) ??
    handleOf(startUnbundled(engine) ?? engine.startBundledWorker())
  )
}

/** Runtime and model, for errors. */
function placeOf(model: Uint8Array | string): string {
  if (typeof model !== 'string') return `runtime-web: model of ${model.byteLength} bytes`
  return `runtime-web: ${model.startsWith('data:') ? 'model in a data URL' : model.replace(/[?#].*$/, '').replace(/^.*[/\\]/, '')}`
}

/** Whether onnxruntime's own JavaScript is loaded from a file of its own, and not from where a bundler has put it. */
function servesModule({ ortName }: WebEngine, paths: WasmPaths | undefined): boolean {
  return typeof paths === 'string' || paths?.mjs !== undefined || byImportMap(ortName) !== undefined
}

/** Addresses that mean the same in a worker, which has another base. */
function absolute(paths: WasmPaths | undefined): WasmPaths | undefined {
  const base = globalThis.document?.baseURI
  if (paths === undefined || base === undefined) return paths
  if (typeof paths === 'string') return new URL(paths, base).href
  return Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, new URL(path, base).href]))
}
