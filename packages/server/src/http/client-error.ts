import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { requestError } from './errors.ts'

/** Status and sentence of what Node reports about a connection; anything else was not HTTP. */
const ANSWERS: Readonly<Record<string, readonly [status: number, error: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request took too long to be sent; send it again, at once'],
  HPE_HEADER_OVERFLOW: [431, 'the headers are too long; send fewer'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the extensions of chunks are too long; send none'],
}

/** Answers a client whose request is incomplete or invalid, as far as it can be answered, and ends its connection. */
export function answerClientError({ code }: { readonly code?: string }, socket: Socket): void {
  const [status, error] = ANSWERS[code ?? ''] ?? [400, 'the request is not HTTP/1.1']
  if (socket.writable && code !== 'ECONNRESET') {
    const body = JSON.stringify({ error, code: 'TP_REQUEST' })
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json`
    socket.write(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }
  socket.destroy()
}

/** Answers in words what Node would answer without any: a request of HTTP/1.1 that names no host, and one that expects something unknown. */
export function refuseUnspecified(app: FastifyInstance): void {
  app.server.on('checkExpectation', (_request, response: ServerResponse) => {
    const body = JSON.stringify({ error: 'only 100-continue can be expected; expect nothing else', code: 'TP_REQUEST' })
    const length = { 'content-length': Buffer.byteLength(body) }
    response.writeHead(417, { connection: 'close', 'content-type': 'application/json', ...length }).end(body)
  })
  app.addHook('onRequest', async ({ raw: { httpVersion, headers } }) => {
    if (httpVersion === '1.1' && headers.host === undefined) throw requestError('the request has no Host; name one')
  })
}
