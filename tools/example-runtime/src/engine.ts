import { stat } from 'node:fs/promises'
import { TpError } from '@tp/core'
import { type NamedTensors, plainTensors, type SessionBackend, type ValueInfo } from '@tp/core/runtime'
import type { InferenceSession } from 'onnxruntime-node'

// Only this file depends on onnxruntime: replace it by your engine.

type OrtEngine = typeof import('onnxruntime-node')

/** Imported when it is first needed, so that importing the plugin costs nothing. */
export function importEngine(): Promise<OrtEngine> {
  return import('onnxruntime-node')
}

/** @throws TpError TP_FILE_NOT_FOUND, TP_MODEL_LOAD */
export async function openModel(
  where: string,
  model: Uint8Array | string,
  threads: number | undefined,
): Promise<SessionBackend> {
  const engine = await importEngine()
  if (typeof model === 'string') await checkFile(where, model)
  const session = await open(engine, model, threads).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TpError('TP_MODEL_LOAD', where, `onnxruntime refuses the model: ${reason}`, { cause })
  })
  return {
    inputs: session.inputMetadata.map((info) => infoOf(where, info)),
    outputs: session.outputMetadata.map((info) => infoOf(where, info)),
    // The outputs belong to the caller: later runs must not change it.
    run: async (inputs) => plainTensors(await session.run(feedsOf(engine, inputs))),
    close: () => session.release(),
  }
}

function open(
  { InferenceSession }: OrtEngine,
  model: Uint8Array | string,
  threads: number | undefined,
): Promise<InferenceSession> {
  // Both overloads take the same options; TypeScript wants one of them chosen.
  return InferenceSession.create(model as string, {
    logSeverityLevel: 4,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  })
}

async function checkFile(where: string, path: string): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new TpError('TP_FILE_NOT_FOUND', where, `there is no file that can be read at ${path}`, { cause })
  })
  if (!found.isFile())
    throw new TpError('TP_MODEL_LOAD', where, `${path} is not a file; give the path of the .onnx file`)
}

function infoOf(where: string, info: InferenceSession.ValueMetadata): ValueInfo {
  if (info.isTensor) return { name: info.name, type: info.type, dims: info.shape }
  throw new TpError('TP_MODEL_LOAD', where, `"${info.name}" is not a tensor; only tensors can be passed`)
}

/** Names, types and shapes have been checked before. */
function feedsOf({ Tensor }: OrtEngine, inputs: NamedTensors): InferenceSession.FeedsType {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { type, data, dims }]) => [
      name,
      new Tensor(type as 'float32', data as Float32Array, dims),
    ]),
  )
}
