import type { Inspection, Plan, Sizes } from '@tp/compiler'
import { TpError } from '@tp/core'
import { throwIfAborted } from '@tp/core/runtime'
import { askWorker } from './ask-worker.ts'
import type { CompileRefusal, CompileRequest, CompileResults } from './compile-protocol.ts'
import type { DataFiles } from './inline-weights.ts'

/** One model in a worker that prunes it. */
export interface Compiler {
  readonly inspection: Inspection | CompileRefusal
  /** Everything that a pruning by this plan depends on, as text that can be compared. */
  key(plan: Plan): string
  /** Tokens of one example at these sizes of the model's free axes; undefined where they do not say. */
  count(sizes: Readonly<Record<string, number>>): Promise<number | undefined>
  /**
   * @param trace whether the file says which tokens were kept
   * @throws TpError of the refusal's code if tokens cannot be pruned in this way; TP_ABORTED, also while others wait in front
   */
  prune(plan: Plan, trace: boolean, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
  /**
   * Multiply-adds as a share of those of the whole model.
   * @throws TpError TP_SIZES if a size is missing
   */
  work(plan: Plan, sizes: Sizes, signal: AbortSignal): Promise<number>
  end(): void
}

/**
 * @param data weights of the model in files next to it
 * @param plugins addresses of modules with more methods, as they are now
 * @throws TpError TP_NOT_ONNX, TP_EXTERNAL
 */
export async function openCompiler(
  model: Uint8Array,
  data: DataFiles,
  plugins: () => readonly string[],
): Promise<Compiler> {
  const worker = new Worker(new URL('./compile-worker.ts', import.meta.url), { type: 'module' })
  let last: Promise<unknown> = Promise.resolve()

  function ask<K extends CompileRequest['kind']>(
    request: CompileRequest & { readonly kind: K },
    transfer: Transferable[] = [],
  ): Promise<CompileResults[K]> {
    return askWorker(worker, 'compiler', request, transfer)
  }

  /** One request at a time is in the worker; those that are stale when their turn comes are dropped. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = last.then(task)
    last = result.catch(() => {})
    return result
  }

  /** Throws for what is refused or no longer wanted. */
  function unlessAborted<Answer extends { readonly ok: true }>(
    give: () => Promise<Answer | CompileRefusal>,
    signal: AbortSignal,
  ): Promise<Answer> {
    return inTurn(async () => {
      throwIfAborted(signal, 'demo')
      const result = await give()
      throwIfAborted(signal, 'demo')
      if (!result.ok) throw new TpError(result.refusal.code, 'demo', result.refusal.message)
      return result
    })
  }

  const copy = new Uint8Array(model)
  try {
    const inspection = await ask({ kind: 'open', model: copy, data }, [copy.buffer])
    return {
      inspection,
      key: (plan) => JSON.stringify([plan, plugins()]),
      count: async (sizes) => (await inTurn(() => ask({ kind: 'count', sizes }))).tokens,
      prune: async (plan, trace, signal) =>
        (await unlessAborted(() => ask({ kind: 'prune', plan, plugins: plugins(), trace }), signal)).model,
      work: async (plan, sizes, signal) =>
        (await unlessAborted(() => ask({ kind: 'work', plan, plugins: plugins(), sizes }), signal)).share,
      end: () => worker.terminate(),
    }
  } catch (error) {
    worker.terminate()
    throw error
  }
}
