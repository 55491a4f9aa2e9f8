import type { Inspection, Plan } from '@tp/compiler'
import { receiveError, TpError, throwIfAborted } from '@tp/core'
import type { CompileAnswer, CompileRequest, CompileResults, Refused } from './compile-protocol.ts'

/** One model in a worker that prunes it. */
export interface Compiler {
  readonly inspection: Inspection | Refused
  /**
   * @param trace whether the file says which tokens stayed
   * @throws TpError of the refusal's code if tokens cannot leave in this way; TP_ABORTED, also while others wait in front
   */
  prune(plan: Plan, trace: boolean, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
  end(): void
}

/** @throws TpError TP_NOT_ONNX */
export async function openCompiler(model: Uint8Array): Promise<Compiler> {
  const worker = new Worker(new URL('./compile-worker.ts', import.meta.url), { type: 'module' })
  let last: Promise<unknown> = Promise.resolve()

  function ask<K extends CompileRequest['kind']>(
    request: CompileRequest & { readonly kind: K },
    transfer: Transferable[] = [],
  ): Promise<CompileResults[K]> {
    return new Promise((resolve, reject) => {
      worker.onerror = ({ message }) => reject(new TpError('TP_WORKER', 'demo', message || 'the compiler did not load'))
      worker.onmessage = ({ data }: MessageEvent<CompileAnswer>) => {
        if (data.ok) resolve(data.value as CompileResults[K])
        else reject(receiveError(data.error))
      }
      worker.postMessage(request, transfer)
    })
  }

  /** One request at a time is in the worker; those that are stale when their turn comes are left out. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = last.then(task)
    last = result.catch(() => {})
    return result
  }

  const copy = new Uint8Array(model)
  try {
    const inspection = await ask({ kind: 'open', model: copy }, [copy.buffer])
    return {
      inspection,
      prune: (plan, trace, signal) =>
        inTurn(async () => {
          throwIfAborted(signal, 'demo')
          const result = await ask({ kind: 'prune', plan, trace })
          throwIfAborted(signal, 'demo')
          if (!result.ok) throw new TpError(result.refusal.code, 'demo', result.refusal.message)
          return result.model
        }),
      end: () => worker.terminate(),
    }
  } catch (error) {
    worker.terminate()
    throw error
  }
}
