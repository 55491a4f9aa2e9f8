// Entry of the worker that holds one model and prunes it as often as it is asked to.
import { fromPlan, inspect, type Plan, prune } from '@tp/compiler'
import { sendError, TpError } from '@tp/core'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import type { CompileAnswer, CompileRequest, CompileResults } from './compile-protocol.ts'
import { allMethods } from './methods.ts'

let model: Model | undefined

function answer(request: CompileRequest): CompileResults[CompileRequest['kind']] {
  if (request.kind === 'prune') return pruned(request.plan, request.trace)
  model = decodeModel(request.model)
  return inspect(model)
}

function pruned(plan: Plan, trace: boolean): CompileResults['prune'] {
  if (model === undefined) throw new TpError('TP_MODEL_LOAD', 'demo', 'no model has been opened')
  const result = prune(model, { ...fromPlan(plan, allMethods), trace })
  return result.ok ? { ok: true, model: encodeModel(result.model) as Uint8Array<ArrayBuffer> } : result
}

const worker = globalThis as unknown as {
  postMessage(message: CompileAnswer, transfer: Transferable[]): void
  addEventListener(type: 'message', listener: (event: MessageEvent<CompileRequest>) => void): void
}

worker.addEventListener('message', ({ data }) => {
  try {
    const value = answer(data)
    worker.postMessage({ ok: true, value }, 'model' in value ? [value.model.buffer] : [])
  } catch (error) {
    worker.postMessage({ ok: false, error: sendError(error) }, [])
  }
})
