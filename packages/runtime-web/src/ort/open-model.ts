import { TpError } from '@tp/core'
import { type NamedTensors, plainTensors, type SessionBackend, type ValueInfo } from '@tp/core/runtime'
import type { InferenceSession } from 'onnxruntime-web'
import { loadError } from './load-error.ts'
import { type Ort, type OrtBuild, type OrtStartOptions, startOrt } from './start-ort.ts'
import { toOrt } from './tensors.ts'

/** A model in onnxruntime on this thread, which wasm blocks while it computes. */
export async function openModel(
  where: string,
  engine: OrtBuild,
  model: Uint8Array,
  options: OrtStartOptions,
): Promise<SessionBackend> {
  const ort = await startOrt(where, engine, options)
  // The caller may change its bytes afterwards.
  const kept = engine.breaksOnFailure ? new Uint8Array(model) : undefined
  let session: InferenceSession | undefined
  let inputs: readonly ValueInfo[]
  let outputs: readonly ValueInfo[]
  try {
    const opened = await oneAtATime(() => create(ort, engine, model))
    session = opened
    inputs = opened.inputMetadata.map((info) => toInfo(where, info))
    outputs = opened.outputMetadata.map((info) => toInfo(where, info))
  } catch (cause) {
    await session?.release()
    throw loadError(where, cause)
  }

  async function run(feeds: NamedTensors): Promise<NamedTensors> {
    session ??= await create(ort, engine, kept as Uint8Array)
    try {
      return plainTensors(await session.run(toOrt(ort, feeds)))
    } catch (error) {
      if (kept !== undefined) await close()
      throw error
    }
  }

  async function close(): Promise<void> {
    await session?.release()
    session = undefined
  }

  return {
    inputs,
    outputs,
    run: (feeds) => oneAtATime(() => run(feeds)),
    close: () => oneAtATime(close),
  }
}

function create(ort: Ort, engine: OrtBuild, model: Uint8Array): Promise<InferenceSession> {
  return ort.InferenceSession.create(model, {
    executionProviders: [engine.name],
    // Errors are thrown as well; logged, they would only add noise to the user's console.
    logSeverityLevel: 4,
  })
}

let last: Promise<unknown> = Promise.resolve()

/** The sessions of a thread share one wasm instance, and the build with WebGPU cannot be entered while a call waits. */
function oneAtATime<T>(task: () => Promise<T>): Promise<T> {
  const result = last.then(task)
  last = result.catch(() => {})
  return result
}

/** The value that onnxruntime-web returns for a free size without a name: -1, read as unsigned. */
const freeDim = 2 ** 32 - 1

function toInfo(where: string, info: InferenceSession.ValueMetadata): ValueInfo {
  if (!info.isTensor) {
    const message = `"${info.name}" is a sequence, map or optional; only tensors can be passed`
    throw new TpError('TP_MODEL_LOAD', where, message)
  }
  // onnxruntime's own JavaScript keeps tensors as properties of plain objects.
  if (info.name === '__proto__') {
    throw new TpError('TP_MODEL_LOAD', where, 'an input or output named "__proto__" cannot be passed; rename it')
  }
  const dims = info.shape.map((dim) => (dim === freeDim ? '' : dim))
  return { name: info.name, type: info.type, dims }
}
