import { buffersOf, type ModelSignature, type SessionBackend, sendError, type WorkerAnswer } from '@tp/core/runtime'
import { platform } from '#platform'
import { openModel } from '../ort/open-model.ts'
import type { OrtBuild } from '../ort/start-ort.ts'
import type { WebWorkerRequest } from './protocol.ts'

/** Serves one model to the thread that started this worker (see client.ts), until that ends it. */
export function serve(engine: OrtBuild): void {
  // onnxruntime starts its own threads from the file that holds it, and a bundler may have put that into this one.
  if ((globalThis as { readonly name?: string }).name === 'em-pthread') return
  const owner = platform.owner()
  let backend: SessionBackend | undefined

  async function answer(request: WebWorkerRequest): Promise<{ value: unknown; transfer: ArrayBuffer[] }> {
    if (request.kind === 'load') {
      backend = await openModel(request.where, engine, request.model, request.options)
      const value: ModelSignature = { inputs: backend.inputs, outputs: backend.outputs }
      return { value, transfer: [] }
    }
    const outputs = await (backend as SessionBackend).run(request.inputs)
    return { value: outputs, transfer: buffersOf(outputs) }
  }

  owner.onMessage(async (message) => {
    try {
      const { value, transfer } = await answer(message as WebWorkerRequest)
      owner.send({ ok: true, value } satisfies WorkerAnswer, transfer)
    } catch (error) {
      owner.send({ ok: false, error: sendError(error) } satisfies WorkerAnswer, [])
    }
  })
}
