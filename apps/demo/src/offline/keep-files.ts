import { once } from '../loading/once.ts'

/** A page that was loaded past its service worker (shift and reload) is not given one; it goes on without. */
const PATIENCE_MS = 2000

/**
 * Lets a service worker keep every file that is loaded from now on, and those that have been, so that the page needs the
 * network no more. Where there is none (development, private windows) it works all the same, from the browser's cache.
 * Called when there is an answer, since it costs as much as a file does.
 */
export const keepFiles: () => Promise<void> = once(async () => {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  try {
    await navigator.serviceWorker.register('./service-worker.js')
    await navigator.serviceWorker.ready
    await Promise.race([controlled(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))])
    const loaded = performance.getEntriesByType('resource').map(({ name }) => name)
    const own = loaded.filter((address) => address.startsWith(location.origin))
    await Promise.all([location.pathname, ...own].map((address) => fetch(address)))
  } catch (error) {
    console.info('The page will not work without a network:', error)
  }
})

function controlled(): Promise<unknown> {
  if (navigator.serviceWorker.controller !== null) return Promise.resolve()
  return new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }))
}
