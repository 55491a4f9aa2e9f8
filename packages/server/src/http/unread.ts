import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { byteBudget } from './byte-budget.ts'
import { whenOver } from './over.ts'

/** Bounds the memory of answers whose clients have not read them yet: the connection of the first is closed. */
export function limitUnread(app: FastifyInstance, mostBytes: number): void {
  const budget = byteBudget<IncomingMessage>(mostBytes, ({ socket }) => socket.destroy())
  app.addHook('onSend', ({ raw }, reply, payload, done) => {
    if (typeof payload === 'string' || payload instanceof Uint8Array) {
      budget.add(raw, Buffer.byteLength(payload))
      whenOver(reply, () => budget.forget(raw))
    }
    done(null, payload)
  })
}
