import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Chromium, openChromium } from 'browser-tests'
import type { Page } from 'playwright-core'
import { preview } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))

export interface Site {
  readonly url: string
  /** Body and head of every answer so far. */
  bytesSent(): number
  /** Paths that were asked for so far. */
  readonly requests: readonly string[]
  /** A page in a browser that has been there before. */
  open(tab: string): Promise<Page>
  /** A page in a browser that has never been there. */
  openAnew(tab: string): Promise<Page>
  close(): Promise<void>
}

/** The page as `pnpm build` and `pnpm preview` make and serve it. */
export async function openSite(): Promise<Site> {
  const outDir = await mkdtemp(join(tmpdir(), 'tp-demo-'))
  await build(outDir)
  const server = await preview({ root, logLevel: 'error', build: { outDir }, preview: { port: 0, open: false } })
  const { requests, bytesSent } = watch(server.httpServer as Server)
  const url = server.resolvedUrls?.local[0] as string
  const browsers: Chromium[] = []

  async function openBrowser(): Promise<Chromium> {
    const browser = await openChromium()
    browsers.push(browser)
    return browser
  }

  async function openPage({ context }: Chromium, tab: string): Promise<Page> {
    const page = await context.newPage()
    page.setDefaultTimeout(30_000)
    await page.goto(`${url}#${tab}`)
    return page
  }

  const first = await openBrowser()
  return {
    url,
    requests,
    bytesSent,
    open: (tab) => openPage(first, tab),
    openAnew: async (tab) => openPage(await openBrowser(), tab),
    async close() {
      for (const browser of browsers) await browser[Symbol.asyncDispose]()
      await server.close()
      await rm(outDir, { recursive: true, force: true })
    },
  }
}

/** In a process of its own: tests run in a mode in which Vite does not build for production. */
async function build(outDir: string): Promise<void> {
  const vite = fileURLToPath(new URL('../../bin/vite.js', import.meta.resolve('vite')))
  const env = { ...process.env, NODE_ENV: 'production' }
  await promisify(execFile)(process.execPath, [vite, 'build', '--logLevel', 'error', '--outDir', outDir], {
    cwd: root,
    env,
  })
}

function watch(server: Server): Pick<Site, 'requests' | 'bytesSent'> {
  const requests: string[] = []
  const sockets = new Set<{ readonly bytesWritten: number }>()
  server.on('connection', (socket) => sockets.add(socket))
  server.on('request', ({ url }) => requests.push(url ?? ''))
  return { requests, bytesSent: () => [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0) }
}
