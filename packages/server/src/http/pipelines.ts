import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { whenOver } from './over.ts'

/** Requests of one connection that are answered at the same time. */
const AT_ONCE = 8

/** Requests of one connection that may wait; with more it is closed. */
const MOST_WAITING = 32_768

/** The requests of one connection. */
interface Pipeline {
  underWay: number
  /** Starts each of the others. */
  readonly waiting: (() => void)[]
}

/** Has pipelined requests wait for those before them, so that one client cannot take what there is room for from all others. */
export function limitPipelines(app: FastifyInstance): void {
  const pipelines = new WeakMap<Socket, Pipeline>()
  app.addHook('onRequest', ({ raw: { socket } }, reply, done) => {
    const pipeline: Pipeline = pipelines.get(socket) ?? { underWay: 0, waiting: [] }
    pipelines.set(socket, pipeline)
    const { waiting } = pipeline
    const start = (): void => {
      pipeline.underWay++
      whenOver(reply, () => {
        pipeline.underWay--
        // Nobody waits for the others any more.
        if (socket.destroyed) waiting.length = 0
        else waiting.shift()?.()
      })
      done()
    }
    if (pipeline.underWay < AT_ONCE) start()
    else if (waiting.length < MOST_WAITING) waiting.push(start)
    else socket.destroy()
  })
}
