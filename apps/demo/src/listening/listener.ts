import type { ModelReport } from '@tp/transformers'
import { askWorker } from '../engine/ask-worker.ts'
import { runtimeWasm } from '../loading/runtime-wasm.ts'
import type { Heard, ListenerSource, ListenRequest, ListenResults, Side } from './protocol.ts'

/** A Whisper model in a worker, dense and pruned. */
export interface Listener {
  /** The outcome for its encoder. */
  readonly report: ModelReport
  /** One at a time. @param samples 16,000 a second */
  listen(side: Side, samples: Float32Array): Promise<Heard>
  end(): void
}

/** @throws Error of transformers.js where it cannot be loaded; TpError TP_WORKER */
export async function openListener(source: ListenerSource): Promise<Listener> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })

  function ask<K extends ListenRequest['kind']>(
    request: ListenRequest & { readonly kind: K },
  ): Promise<ListenResults[K]> {
    return askWorker(worker, 'listener', request)
  }

  try {
    const report = await ask({ kind: 'open', source, wasm: await runtimeWasm() })
    return { report, listen: (side, samples) => ask({ kind: 'listen', side, samples }), end: () => worker.terminate() }
  } catch (error) {
    worker.terminate()
    throw error
  }
}
