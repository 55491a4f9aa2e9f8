import type { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'

/** The status of a request whose client left, in records alone. */
const CLIENT_GONE = 499

/** The callbacks for a connection that closes; each belongs to a response that is not over. */
const pending = new WeakMap<Socket, Set<() => void>>()

/**
 * Calls back once when a response is over: sent, or its client has left. Fastify's own hooks do not say that a client has left, and a
 * pipelined response that is queued never emits `close`: it gets the connection only when those before it are sent. So
 * the connection is watched as well.
 */
export function whenOver({ raw, request }: FastifyReply, over: (status: number) => void): void {
  const { socket } = request.raw
  const callbacks = pendingOn(socket)
  const end = (): void => {
    if (!callbacks.delete(end)) return
    raw.off('close', end)
    over(raw.writableFinished ? raw.statusCode : CLIENT_GONE)
  }
  callbacks.add(end)
  raw.once('close', end)
  // Requests that a client sent before it left are still parsed.
  if (socket.closed) end()
}

/** Aborted when the client leaves before it has its answer. */
export function signalOf(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  whenOver(reply, (status) => {
    if (status === CLIENT_GONE) controller.abort(new Error('the client has closed its connection'))
  })
  return controller.signal
}

function pendingOn(socket: Socket): Set<() => void> {
  let callbacks = pending.get(socket)
  if (callbacks === undefined) {
    callbacks = new Set()
    pending.set(socket, callbacks)
    // One listener for all of a connection's responses, of which there may be thousands.
    socket.once('close', () => {
      for (const end of [...(callbacks ?? [])]) end()
    })
  }
  return callbacks
}
