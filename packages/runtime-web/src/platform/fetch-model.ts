import { TpError } from '@tp/core'
import { type AbortSignalLike, abortError, throwIfAborted } from '@tp/core/runtime'

/**
 * The bytes at a URL.
 * @throws TpError TP_FILE_NOT_FOUND, TP_ABORTED
 */
export async function fetchModel(
  where: string,
  url: string,
  signal: AbortSignalLike | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  throwIfAborted(signal, where)
  const controller = new AbortController()
  const onAbort = (): void => controller.abort()
  signal?.addEventListener('abort', onAbort)
  try {
    const response = await fetch(url, { signal: controller.signal })
    if (!response.ok) throw notFound(where, url, `the server answers ${response.status} ${response.statusText}`.trim())
    // Servers of single-page apps answer with the page itself for whatever they do not have.
    if (response.headers.get('content-type')?.startsWith('text/html')) {
      throw notFound(where, url, 'the server answers with a web page; is the address right?')
    }
    return new Uint8Array(await response.arrayBuffer())
  } catch (cause) {
    if (signal?.aborted) throw abortError(where, signal)
    if (cause instanceof TpError) throw cause
    throw notFound(where, url, String(cause), cause)
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

function notFound(where: string, url: string, reason: string, cause?: unknown): TpError {
  return new TpError('TP_FILE_NOT_FOUND', where, `the model cannot be fetched from ${url}: ${reason}`, { cause })
}
