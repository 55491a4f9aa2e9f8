import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
}

/** The headers with which a page may share memory between threads. */
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

export interface Served extends AsyncDisposable {
  /** With a slash at its end. */
  readonly url: string
}

/** As static hosts do: a folder is its index.html, and an address may be without `.html`. */
function fileAt(path: string): string | undefined {
  return [path, `${path.replace(/\/$/, '')}.html`, join(path, 'index.html')].find(
    (file) => existsSync(file) && statSync(file).isFile(),
  )
}

/** Serves the files of a folder to pages from anywhere, and nothing else. */
export async function serve(folder: string, { isolated }: { readonly isolated: boolean }): Promise<Served> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const path = fileAt(join(folder, normalize(decodeURIComponent(pathname))))
    if (path === undefined) return void response.writeHead(404).end()
    const type = types[extname(path)] ?? 'application/octet-stream'
    response.writeHead(200, {
      'Content-Type': type,
      'Access-Control-Allow-Origin': '*',
      ...(pathname.startsWith('/assets/') ? { 'Cache-Control': 'immutable, max-age=3600' } : {}),
      ...(isolated ? isolation : {}),
    })
    createReadStream(path).pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
