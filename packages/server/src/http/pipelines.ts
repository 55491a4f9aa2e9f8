import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { whenOver } from './over.ts'

/** Requests of one connection that are answered at the same time. */
const AT_ONCE = 8

/** Bytes that Node and Fastify keep of a request that waits, besides its headers. */
const KEPT = 4096

/** The requests of one connection. */
interface Pipeline {
  underWay: number
  /** Those that wait. */
  readonly waiting: { readonly bytes: number; start(): void }[]
  /** Bytes of those that wait. */
  bytes: number
}

/**
 * Has pipelined requests wait for those before them, so that one client cannot take what there is room for from all others. If
 * those of all connections take more bytes, the connection that has most of them is closed.
 */
export function limitPipelines(app: FastifyInstance, mostBytes: number): void {
  const pipelines = new Map<Socket, Pipeline>()
  let total = 0

  function forget(socket: Socket): void {
    total -= pipelines.get(socket)?.bytes ?? 0
    pipelines.delete(socket)
  }

  function pipelineOf(socket: Socket): Pipeline {
    const known = pipelines.get(socket)
    if (known !== undefined) return known
    const pipeline: Pipeline = { underWay: 0, waiting: [], bytes: 0 }
    pipelines.set(socket, pipeline)
    socket.once('close', () => forget(socket))
    return pipeline
  }

  function count(pipeline: Pipeline, bytes: number): void {
    pipeline.bytes += bytes
    total += bytes
  }

  function closeLargest(): void {
    const [socket] = [...pipelines].reduce((most, each) => (each[1].bytes > most[1].bytes ? each : most))
    forget(socket)
    socket.destroy()
  }

  app.addHook('onRequest', ({ raw }, reply, done) => {
    const { socket } = raw
    // Requests that a client sent before it left, or before its connection was closed, are still parsed, and get no answer.
    if (socket.destroyed) return
    const pipeline = pipelineOf(socket)
    const { waiting } = pipeline
    const start = (): void => {
      pipeline.underWay++
      whenOver(reply, () => {
        pipeline.underWay--
        if (socket.destroyed) return
        const next = waiting.shift()
        if (next === undefined) return
        count(pipeline, -next.bytes)
        next.start()
      })
      done()
    }
    if (pipeline.underWay < AT_ONCE) return start()
    const bytes = KEPT + bytesOf(raw)
    waiting.push({ bytes, start })
    count(pipeline, bytes)
    if (total > mostBytes) closeLargest()
  })
}

/** Characters of what a request began with. */
function bytesOf({ url = '', rawHeaders }: IncomingMessage): number {
  return rawHeaders.reduce((sum, text) => sum + text.length, url.length)
}
