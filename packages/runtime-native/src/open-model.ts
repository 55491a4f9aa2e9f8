import { basename } from 'node:path'
import { TpError } from '@tp/core'
import type { AbortSignalLike, ModelSignature, NamedTensors, SessionBackend } from '@tp/core/runtime'
import { checkFile, loadError, readSource, sourceInBytes, threadsFor } from '@tp/runtime-node/model-files'
import { type Done, type NativeSession, type OpenAddon, openAddon } from './addon.ts'
import { checkPackedGraph } from './packed-graph.ts'

export interface NativeModelOptions {
  readonly threads: number | undefined
  /** Threads that run the model. */
  readonly atOnce: number
}

/** Runtime and model, for errors. */
export function placeOf(model: Uint8Array | string): string {
  return `runtime-native: ${typeof model === 'string' ? basename(model) : `model of ${model.byteLength} bytes`}`
}

/** A model in onnxruntime, with threads of its own. */
export async function openModel(model: Uint8Array | string, options: NativeModelOptions): Promise<SessionBackend> {
  const where = placeOf(model)
  const { Session } = openAddon()
  if (typeof model === 'string') await checkFile(where, model)
  // Bytes may change once loading was requested: until the addon has copied them, nothing is waited for.
  const { model: decoded, dataFiles } =
    typeof model === 'string' ? await readSource(where, model) : sourceInBytes(model)
  if (decoded !== undefined) checkPackedGraph(where, decoded)
  const session = startThreads(where, Session, options.atOnce)
  let declared: ModelSignature
  try {
    const threads = options.threads ?? threadsFor(model, dataFiles.length)
    const settings = {
      dataFiles,
      ...(threads !== undefined && { threads }),
    }
    declared = await answer<ModelSignature>((done) => session.load(model, settings, done))
  } catch (cause) {
    session.close()
    throw loadError(where, cause)
  }

  let runs = 0
  async function run(feeds: NamedTensors, signal?: AbortSignalLike): Promise<NamedTensors> {
    const number = runs++
    const abort = (): void => session.abort(number)
    const running = answer<NamedTensors>((done) => session.run(number, feeds, done))
    signal?.addEventListener('abort', abort)
    try {
      return await running
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  return {
    ...declared,
    run,
    async close() {
      session.close()
    },
  }
}

function startThreads(where: string, Session: OpenAddon['Session'], count: number): NativeSession {
  try {
    return new Session(count)
  } catch (cause) {
    throw new TpError('TP_OPTION', where, `atOnce is ${count}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
  }
}

function answer<T>(ask: (done: Done<T>) => void): Promise<T> {
  return new Promise<T>((resolve, reject) =>
    ask((error, result) => (error === null ? resolve(result) : reject(new Error(error)))),
  )
}
