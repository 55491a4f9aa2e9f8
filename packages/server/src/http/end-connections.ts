import { Server as NetServer } from 'node:net'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { App } from './app.ts'

/** Connections that are idle or still sending a request for so many milliseconds are closed without a last answer. */
const IDLE_MS = 2000

/** Milliseconds between two looks at whether all is answered. */
const LOOK_MS = 20

/** Listens no more, and closes every connection: with its last answer, or after so many milliseconds without. */
export async function endConnections({ fastify, isIdle }: App, endMs: number): Promise<void> {
  const { server } = fastify
  const deadline = performance.now() + endMs
  await acceptAll(server, deadline)
  // Not the server's own close, which ends connections whose next request is on its way.
  const ended = new Promise((resolve) => NetServer.prototype.close.call(server, resolve))
  await Promise.race([ended, setTimeout(Math.min(IDLE_MS, endMs), undefined, { ref: false })])
  while (!isIdle() && performance.now() < deadline) await setTimeout(LOOK_MS)
  // Those that have never asked for anything, too: Node takes them for busy ones for a minute.
  server.closeAllConnections()
  await fastify.close()
}

/**
 * Accepts the connections that clients have made already: the system would reset them when nothing listens any more. Node accepts one in
 * each turn of its loop, and on a busy machine a turn takes long.
 */
async function acceptAll(server: NetServer, deadline: number): Promise<void> {
  let isOneAccepted = true
  const onConnection = (): void => {
    isOneAccepted = true
  }
  server.on('connection', onConnection)
  while (isOneAccepted && performance.now() < deadline) {
    isOneAccepted = false
    await setImmediate()
  }
  server.off('connection', onConnection)
}
