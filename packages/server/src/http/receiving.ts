import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { byteBudget } from './byte-budget.ts'

/** Methods whose bodies are not read. */
const UNREAD: readonly string[] = ['GET', 'HEAD']

/**
 * Bounds the memory of bodies that are still being sent, whatever their route: that of the first is given up.
 * @param mostOfOne bytes of one body, of which no more are kept
 * @param mostBytes bytes of all together
 */
export function limitReceived(app: FastifyInstance, mostOfOne: number, mostBytes: number): void {
  const budget = byteBudget<IncomingMessage>(mostBytes, (request) => request.destroy())
  app.addHook('preParsing', ({ method, raw }, _reply, payload, done) => {
    if (UNREAD.includes(method)) return done(null, payload)
    let own = 0
    // The uncompressed bytes of a body, which are what is kept.
    payload.on('data', (chunk: Buffer) => {
      own += chunk.length
      if (own > mostOfOne) budget.forget(raw)
      else if (!raw.destroyed) budget.add(raw, chunk.length)
    })
    payload.once('close', () => budget.forget(raw))
    done(null, payload)
  })
}
