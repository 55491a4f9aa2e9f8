import { TpError } from '@tp/core'
import { receiveError } from '@tp/core/runtime'
import type { ModelReport } from '@tp/transformers'
import type { Heard, ListenAnswer, ListenerSource, ListenRequest, ListenResults, Side } from './protocol.ts'

/** A Whisper model in a worker, dense and pruned. */
export interface Listener {
  /** What became of its encoder. */
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
    return new Promise((resolve, reject) => {
      worker.onerror = ({ message }) => reject(new TpError('TP_WORKER', 'demo', message || 'the listener did not load'))
      worker.onmessage = ({ data }: MessageEvent<ListenAnswer>) => {
        if (data.ok) resolve(data.value as ListenResults[K])
        else reject(receiveError(data.error))
      }
      worker.postMessage(request)
    })
  }

  try {
    const report = await ask({ kind: 'open', source })
    return { report, listen: (side, samples) => ask({ kind: 'listen', side, samples }), end: () => worker.terminate() }
  } catch (error) {
    worker.terminate()
    throw error
  }
}
