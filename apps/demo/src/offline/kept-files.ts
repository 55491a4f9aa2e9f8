/** The same in service-worker.ts, which can import nothing. */
const CACHE = 'demo'

/** A file from last time; undefined where there is none, or the page may keep nothing. */
export async function kept(address: string): Promise<Response | undefined> {
  return (await open())?.match(address, { ignoreVary: true })
}

/** For next time, if there is room. */
export async function keep(address: string, response: Response): Promise<void> {
  await (await open())?.put(address, response).catch(() => {})
}

/** Undefined while developing, when files change under one name, and in private windows of some browsers. */
async function open(): Promise<Cache | undefined> {
  if (!import.meta.env.PROD || !('caches' in globalThis)) return undefined
  return caches.open(CACHE).catch(() => undefined)
}
