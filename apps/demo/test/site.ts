import { execFile } from 'node:child_process'
import type { Server } from 'node:http'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openChromium } from 'browser-tests'
import type { Page } from 'playwright-core'
import { preview } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))

export interface DemoSite {
  readonly url: string
  /** One page for all tests, since every other one loads and compiles everything again. It has just been opened. */
  readonly page: Page
  /** Body and head of every answer so far. */
  bytesSent(): number
  /** Paths that were requested so far. */
  readonly requests: readonly string[]
  /** Addresses on other servers that the page has asked for so far. */
  readonly elsewhere: readonly string[]
  /** Shows a tab of the page, if it does not yet. A tab that is shown again opens its model again, which takes seconds. */
  show(tab: string): Promise<void>
  close(): Promise<void>
}

const titles: Readonly<Record<string, string>> = {
  mail: 'Mail or text',
  digit: 'Digit',
  image: 'Image',
  sound: 'Sound',
  own: 'Your own model',
}

/** The page as `pnpm build` and `pnpm preview` make and serve it, in a browser that has never been there. */
export async function openSite(): Promise<DemoSite> {
  await build()
  const server = await preview({ root, logLevel: 'error', preview: { port: 0, open: false } })
  const { requests, bytesSent } = watch(server.httpServer as Server)
  const url = server.resolvedUrls?.local[0] as string
  const browser = await openChromium()
  const page = await browser.context.newPage()
  page.setDefaultTimeout(30_000)
  const elsewhere: string[] = []
  page.context().on('request', (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(url)) elsewhere.push(request.url())
  })
  // Animations take time from the tests; one test looks at them.
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.goto(url)
  return {
    url,
    page,
    requests,
    elsewhere,
    bytesSent,
    async show(tab) {
      const button = page.getByRole('tab', { name: titles[tab] as string })
      if ((await button.getAttribute('aria-selected')) === 'false') await button.click()
    },
    async close() {
      await browser[Symbol.asyncDispose]()
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

function watch(server: Server): Pick<DemoSite, 'requests' | 'bytesSent'> {
  const requests: string[] = []
  const sockets = new Set<{ readonly bytesWritten: number }>()
  server.on('connection', (socket) => sockets.add(socket))
  server.on('request', ({ url }) => requests.push(url ?? ''))
  return { requests, bytesSent: () => [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0) }
}
