// Entry of the worker that holds one model (see worker-client.ts).
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { buffersOf, type SessionBackend, sendError, type WorkerAnswer } from '@tp/core/runtime'
import { passGate } from './gate.ts'
import { openModel } from './open-model.ts'
import type { NodeWorkerRequest, WorkerStart } from './worker-protocol.ts'

const port = parentPort as MessagePort
const { gate } = workerData as WorkerStart
let backend: SessionBackend | undefined

port.on('message', async (request: NodeWorkerRequest) => {
  try {
    const { value, transfer } = await passGate(gate, () => serve(request))
    port.postMessage({ ok: true, value } satisfies WorkerAnswer, transfer)
  } catch (error) {
    port.postMessage({ ok: false, error: sendError(error) } satisfies WorkerAnswer)
  }
  // Without its port nothing keeps the worker alive, and it ends by itself: the only way that is always safe.
  if (request.kind === 'close' || backend === undefined) port.close()
})

async function serve(request: NodeWorkerRequest): Promise<{ value?: unknown; transfer?: ArrayBuffer[] }> {
  if (request.kind === 'load') {
    backend = await openModel(request.model, request.options)
    return { value: { inputs: backend.inputs, outputs: backend.outputs } }
  }
  const loaded = backend as SessionBackend
  if (request.kind === 'close') {
    await loaded.close()
    return {}
  }
  const outputs = await loaded.run(request.inputs)
  return { value: outputs, transfer: buffersOf(outputs) }
}
