import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'

export interface PageMemory {
  /** MB of JavaScript objects and buffers of the page, after a garbage collection. */
  readonly heap: number
  /** MB of all processes that run pages and their workers. */
  readonly processes: number
}

/** What a page and its workers hold at the moment. */
export async function memoryOf(page: Page): Promise<PageMemory> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize, embedderHeapUsedSize, backingStorageSize } = await session.send('Runtime.getHeapUsage')
  await session.detach()
  return { heap: (usedSize + embedderHeapUsedSize + backingStorageSize) / 1e6, processes: await renderers(page) }
}

async function renderers(page: Page): Promise<number> {
  const browser = page.context().browser()
  if (browser === null) throw new Error('the browser of this page is not known')
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  const ids = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => String(id))
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', ids.join(',')])
  return stdout
    .trim()
    .split(/\s+/)
    .reduce((sum, kilobytes) => sum + Number(kilobytes) * 1.024e-3, 0)
}
