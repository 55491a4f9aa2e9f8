// Entry of the service worker: what the page has loaded once comes from here afterwards, also without a network.

const KEPT = 'demo'

interface FetchEvent extends Event {
  readonly request: Request
  respondWith(response: Promise<Response>): void
  waitUntil(task: Promise<unknown>): void
}

interface KeepEvent extends Event {
  /** Addresses of files that the page has loaded. */
  readonly data: readonly string[]
  waitUntil(task: Promise<unknown>): void
}

interface Scope {
  readonly clients: { claim(): Promise<void> }
  skipWaiting(): Promise<void>
  addEventListener(type: 'install' | 'activate' | 'fetch', listener: (event: FetchEvent) => void): void
  addEventListener(type: 'message', listener: (event: KeepEvent) => void): void
}

const worker = globalThis as unknown as Scope

worker.addEventListener('install', (event) => event.waitUntil(worker.skipWaiting()))
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()))
worker.addEventListener('fetch', (event) => {
  const { method, url, mode } = event.request
  if (method !== 'GET' || new URL(url).origin !== location.origin) return
  event.respondWith(mode === 'navigate' ? page(event) : file(event.request))
})

// Here and not in the page, whose main thread every response would pass.
worker.addEventListener('message', (event) => {
  event.waitUntil(Promise.all(event.data.map((address) => file(new Request(address)))))
})

/** Files have names that change with what is in them. */
async function file(request: Request): Promise<Response> {
  const cache = await caches.open(KEPT)
  // Servers say "Vary: Origin", and the same file is requested with that header and without.
  return (await cache.match(request, { ignoreVary: true })) ?? fetchAndKeep(cache, request)
}

/** The page itself is always fetched; when it has changed, the files of the old one are dropped. */
async function page({ request }: FetchEvent): Promise<Response> {
  const cache = await caches.open(KEPT)
  const kept = await cache.match(request, { ignoreVary: true })
  const response = await fetch(request).catch(() => kept)
  if (response === undefined || response === kept) return response ?? Response.error()
  // A host that is out of order does not say that the page has changed.
  if (response.status !== 200 || response.redirected) return response
  if (kept !== undefined && (await kept.text()) !== (await response.clone().text())) {
    for (const old of await cache.keys()) await cache.delete(old)
  }
  await cache.put(request, response.clone())
  return response
}

async function fetchAndKeep(cache: Cache, request: Request): Promise<Response> {
  const response = await fetch(request)
  if (response.status === 200) await cache.put(request, response.clone())
  return response
}
