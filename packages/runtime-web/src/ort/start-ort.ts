import { TpError } from '@tp/core'

export type Ort = typeof import('onnxruntime-web')

/** Where onnxruntime's files are served: a folder with a slash at its end, or each file. */
export type WasmPaths = string | { readonly wasm?: string; readonly mjs?: string }

/** A build of onnxruntime-web, imported when it is first needed, so that importing this package costs nothing. */
export interface OrtBuild {
  readonly name: 'wasm' | 'webgpu'
  /** Whether a session is of no use after a run that failed: in 1.30 with WebGPU, its next run blocks the thread forever. */
  readonly breaksOnFailure: boolean
  importOrt(): Promise<Ort>
}

/** Settings of onnxruntime that can be made only before its first session on this thread. */
export interface OrtStartOptions {
  readonly threads: number
  readonly wasmPaths?: WasmPaths | undefined
}

/** Threads of the builds that have been started on this thread: each build is one wasm instance for all its sessions. */
const started = new Map<OrtBuild['name'], number>()

/**
 * onnxruntime with these settings on this thread.
 * @throws TpError TP_RUNTIME_MISSING; TP_OPTION when it runs already, with another number of threads
 */
export async function startOrt(where: string, engine: OrtBuild, { threads, wasmPaths }: OrtStartOptions): Promise<Ort> {
  const ort = await importOrt(engine)
  const running = started.get(engine.name)
  if (running !== undefined && running !== threads) {
    throw new TpError(
      'TP_OPTION',
      where,
      `onnxruntime runs in this page with ${running} ${running === 1 ? 'thread' : 'threads'} already, which cannot be ` +
        `changed to ${threads}; load the model with worker: true, or with the same number`,
    )
  }
  started.set(engine.name, threads)
  ort.env.wasm.numThreads = threads
  if (wasmPaths !== undefined) ort.env.wasm.wasmPaths = wasmPaths
  return ort
}

/** @throws TpError TP_RUNTIME_MISSING */
export async function importOrt(engine: OrtBuild): Promise<Ort> {
  try {
    return await engine.importOrt()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TpError(
      'TP_RUNTIME_MISSING',
      'runtime-web',
      `onnxruntime-web cannot be loaded (${reason}). Install it with: npm install onnxruntime-web@1.30`,
      { cause },
    )
  }
}
