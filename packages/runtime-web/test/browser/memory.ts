import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'

export interface PageMemory {
  /** MB of JavaScript objects and buffers of the page, after a garbage collection. */
  readonly heap: number
  /** MB of all processes that run pages and their workers. */
  readonly processes: number
}

/** The memory of a page and its workers at the moment. */
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
  const sizes = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => residentKilobytes(id))
  return (await Promise.all(sizes)).reduce((sum, kilobytes) => sum + kilobytes * 1.024e-3, 0)
}

/** The memory of a process; one that has ended meanwhile, nothing. Small images of Linux have no `ps`. */
async function residentKilobytes(id: number): Promise<number> {
  if (process.platform === 'linux') {
    const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => 'VmRSS: 0 kB')
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1])
  }
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', `${id}`]).catch(() => ({ stdout: '0' }))
  return Number(stdout)
}
