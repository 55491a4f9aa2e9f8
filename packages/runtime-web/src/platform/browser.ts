import { fetchModel } from './fetch-model.ts'
import type { OwnerHandle, Platform } from './platform.ts'

export const platform: Platform = {
  cores: () => navigator.hardwareConcurrency || 1,
  whyOneThread,
  describe: () => ({
    device: `processor with ${navigator.hardwareConcurrency || 1} threads`,
    platform: navigator.userAgent,
  }),
  readModel: (where, model, signal) => fetchModel(where, model, signal),
  owner: () => scope(globalThis as unknown as DedicatedScope),
}

function whyOneThread(alone: boolean): string | undefined {
  if (!globalThis.crossOriginIsolated) {
    return (
      'the page is not cross-origin isolated; serve it with the headers Cross-Origin-Opener-Policy: same-origin and ' +
      'Cross-Origin-Embedder-Policy: require-corp'
    )
  }
  // Bundled with parts of the page, whose code needs a document, a thread never starts and onnxruntime waits forever.
  return alone ? undefined : 'in the page itself more need wasmPaths; or load the model with worker: true'
}

/** The part of a dedicated worker's global object that is used; its types exclude those of a page. */
interface DedicatedScope {
  postMessage(message: unknown, transfer: Transferable[]): void
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void
}

function scope(worker: DedicatedScope): OwnerHandle {
  return {
    send: (message, transfer) => worker.postMessage(message, transfer),
    onMessage: (listener) => worker.addEventListener('message', ({ data }) => listener(data)),
  }
}
