import type { Server } from '../src/index.ts'

interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: answers of all routes
  readonly body: any
}

/** Asks a server; objects are sent as JSON, text and bytes as they are. */
export function asking({
  url,
}: Pick<Server, 'url'>): (
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
  signal?: AbortSignal,
) => Promise<Answer> {
  return async (path, body, headers = { 'content-type': 'application/json' }, signal) => {
    const isRaw = typeof body === 'string' || body instanceof Uint8Array
    const sent = body === undefined ? {} : { method: 'POST', headers, body: isRaw ? body : JSON.stringify(body) }
    const response = await fetch(url + path, { ...sent, ...(signal && { signal }) } as RequestInit)
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json')
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }
}
