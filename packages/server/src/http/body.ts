import { createGunzip, createInflate, type Gunzip, type Inflate } from 'node:zlib'
import { TpError } from '@tp/core'
import type { FastifyInstance, RequestPayload } from 'fastify'

const inflaters: Readonly<Record<string, () => Gunzip | Inflate>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
}

/**
 * Reads bodies that are compressed (`Content-Encoding: gzip` or `deflate`), of at most so many bytes before and after.
 * Without this Fastify would parse the compressed bytes.
 */
export function readCompressed(app: FastifyInstance, mostBytes: number): void {
  app.addHook('preParsing', ({ headers }, _reply, payload, done) => {
    const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
    if (encoding === 'identity' || encoding === '') return done(null, payload)
    const create = Object.hasOwn(inflaters, encoding) ? inflaters[encoding] : undefined
    if (create !== undefined) return done(null, inflated(payload, create(), mostBytes))
    const seen = `the body is encoded as ${JSON.stringify(encoding.slice(0, 40))}`
    const advice = 'send it as it is, or compressed by gzip or deflate'
    done(new TpError('TP_MEDIA_TYPE', 'server', `${seen}; ${advice}`) as Error)
  })
}

/** The contents of a compressed body. They end once they are too long, as a zip bomb is, or the client has left. */
function inflated(payload: RequestPayload, inflate: Gunzip | Inflate, mostBytes: number): RequestPayload {
  const read: RequestPayload = inflate
  let [sent, out] = [0, 0]
  payload.on('data', (chunk: Buffer) => {
    sent += chunk.length
    // Fastify compares it with the content length.
    read.receivedEncodedLength = sent
  })
  inflate.on('data', (chunk: Buffer) => {
    out += chunk.length
    // Fastify answers 413 then, and would have the rest inflated.
    if (out > mostBytes) inflate.destroy()
  })
  // Where the body is refused for its type, nobody reads it.
  inflate.on('error', () => undefined)
  payload.once('close', () => {
    if (!payload.readableEnded) inflate.destroy()
  })
  payload.pipe(inflate)
  return read
}
