import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

/**
 * Bounds the memory of bodies that are still being sent: beyond so many bytes together, the one that began first is given up. Others
 * take milliseconds to send; what lasts is slow or means harm.
 */
export function limitReceived(app: FastifyInstance, mostBytes: number): void {
  /** In the order in which they began. */
  const receiving = new Map<IncomingMessage, number>()
  let total = 0

  function forget(request: IncomingMessage): void {
    total -= receiving.get(request) ?? 0
    receiving.delete(request)
  }

  app.addHook('preParsing', ({ method, raw }, _reply, payload, done) => {
    if (method !== 'POST') return done(null, payload)
    receiving.set(raw, 0)
    raw.on('data', (chunk: Buffer) => {
      const bytes = receiving.get(raw)
      if (bytes === undefined) return
      receiving.set(raw, bytes + chunk.length)
      total += chunk.length
      for (const [first] of receiving) {
        if (total <= mostBytes) break
        forget(first)
        first.destroy()
      }
    })
    raw.once('close', () => forget(raw))
    done(null, payload)
  })
}
