import { execFile } from 'node:child_process'
import type { Server } from 'node:http'
import { delimiter, join } from 'node:path'
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
  await build()
  const server = await preview({ root, logLevel: 'error', preview: { port: 0, open: false } })
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
    },
  }
}

/** Only what has changed: after `npm test` or `npm run bootstrap` there is nothing to do. */
async function build(): Promise<void> {
  const tools = fileURLToPath(new URL('../../../node_modules', import.meta.url))
  const { NODE_ENV: _, PATH = '', ...env } = process.env // the mode of tests, in which Vite does not build for production
  const args = [join(tools, 'turbo/bin/turbo'), 'run', 'build', '--filter=demo', '--output-logs=errors-only']
  await promisify(execFile)(process.execPath, args, {
    cwd: root,
    env: { ...env, PATH: join(tools, '.bin') + delimiter + PATH, TURBO_TELEMETRY_DISABLED: '1' },
  })
}

function watch(server: Server): Pick<Site, 'requests' | 'bytesSent'> {
  const requests: string[] = []
  const sockets = new Set<{ readonly bytesWritten: number }>()
  server.on('connection', (socket) => sockets.add(socket))
  server.on('request', ({ url }) => requests.push(url ?? ''))
  return { requests, bytesSent: () => [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0) }
}
