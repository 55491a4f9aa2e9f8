import { once } from '../loading/once.ts'

/**
 * Lets a service worker keep every file that is loaded from now on, and those that have been, so that the page needs the
 * network no more. Where there is none (development, private windows) it works all the same, from the browser's cache.
 * Called when there is an answer, since it costs as much as a file does.
 */
export const keepFiles: () => Promise<void> = once(async () => {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  try {
    await navigator.serviceWorker.register('./service-worker.js')
    const { active } = await navigator.serviceWorker.ready
    const loaded = performance.getEntriesByType('resource').map(({ name }) => name)
    const own = loaded.filter((address) => address.startsWith(location.origin))
    active?.postMessage([location.href.replace(/#.*/, ''), ...own])
  } catch (error) {
    console.info('The page will not work without a network:', error)
  }
})
