import { basename } from 'node:path'
import { TpError } from '@tp/core'
import { plainTensors, type SessionBackend, type ValueInfo } from '@tp/core/runtime'
import type { InferenceSession } from 'onnxruntime-node'
import { type DataFile, readDataFile, readSource } from './data-files.ts'
import { checkFile, loadError, threadsFor } from './model-files.ts'
import { importOrt } from './ort.ts'
import { toOrt } from './tensors.ts'

/** The session options that concern onnxruntime: plain data that can cross to a worker. */
export interface LoadSettings {
  readonly threads?: number | undefined
}

/** Runtime and model, for errors. */
export function placeOf(model: Uint8Array | string): string {
  return `runtime-node: ${typeof model === 'string' ? basename(model) : `model of ${model.byteLength} bytes`}`
}

/** A model in onnxruntime on this thread, which its runs block. */
export async function openModel(model: Uint8Array | string, options: LoadSettings): Promise<SessionBackend> {
  const where = placeOf(model)
  const ort = await importOrt()
  if (typeof model === 'string') await checkFile(where, model)
  const externalData = await readAll(where, (await readSource(where, model)).dataFiles)
  let session: InferenceSession
  let inputs: readonly ValueInfo[]
  let outputs: readonly ValueInfo[]
  try {
    const threads = options.threads ?? threadsFor(model, externalData.length)
    // Both overloads take the same options; TypeScript wants one of them chosen.
    session = await ort.InferenceSession.create(model as string, { ...ortOptions(threads), externalData })
    inputs = session.inputMetadata.map((info) => toInfo(where, info))
    outputs = session.outputMetadata.map((info) => toInfo(where, info))
  } catch (cause) {
    throw loadError(where, cause)
  }

  return {
    inputs,
    outputs,
    run: async (feeds) => plainTensors(await session.run(toOrt(ort, feeds))),
    async close() {
      await session.release()
    },
  }
}

/** onnxruntime copies them while it loads. */
async function readAll(where: string, files: readonly DataFile[]): Promise<{ path: string; data: Uint8Array }[]> {
  return await Promise.all(files.map(async (file) => ({ path: file.location, data: await readDataFile(where, file) })))
}

function ortOptions(threads: number | undefined): InferenceSession.SessionOptions {
  return {
    executionProviders: ['cpu'],
    executionMode: 'sequential',
    interOpNumThreads: 1,
    // A pattern is one more block of memory for each shape of inputs, as large as a whole run, and gains no time.
    enableMemPattern: false,
    // Errors are thrown as well; logged, they would only add noise to the user's stderr.
    logSeverityLevel: 4,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  }
}

function toInfo(where: string, info: InferenceSession.ValueMetadata): ValueInfo {
  // onnxruntime's own JavaScript keeps tensors as properties of plain objects.
  if (info.name === '__proto__') {
    throw new TpError('TP_MODEL_LOAD', where, 'an input or output named "__proto__" cannot be passed; rename it')
  }
  if (info.isTensor) return { name: info.name, type: info.type, dims: info.shape }
  throw new TpError('TP_MODEL_LOAD', where, `"${info.name}" is a sequence, map or optional; only tensors can be passed`)
}
