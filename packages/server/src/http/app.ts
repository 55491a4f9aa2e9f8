import { TpError } from '@tp/core'
import Fastify, { type FastifyInstance } from 'fastify'
import { type RouteContext, whenOver } from './context.ts'
import { failureOf } from './errors.ts'
import type { Metrics } from './metrics.ts'
import { oipRoutes } from './oip.ts'
import { openaiRoutes } from './openai.ts'
import { teiRoutes } from './tei.ts'
import { traceRequests } from './tracing.ts'

/** A client has so many milliseconds to send a request. */
const REQUEST_MS = 30_000

/** Seconds after which a client is told to try again, at least and at most. */
const RETRY_SECONDS = [1, 60] as const

export interface App {
  readonly fastify: FastifyInstance
  /** Whether no request is being answered. */
  isIdle(): boolean
}

/** All routes, with the limits that hold for all of them. */
export async function createApp(context: RouteContext, metrics: Metrics): Promise<App> {
  const { limits, models } = context
  const app = Fastify({
    bodyLimit: limits.body,
    requestTimeout: REQUEST_MS,
    forceCloseConnections: 'idle',
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    routerOptions: { maxParamLength: 200 },
  })

  traceRequests(app)
  let [underWay, open] = [0, 0]
  app.addHook('onRequest', async (request, reply) => {
    open++
    whenOver(reply, () => open--)
    if (request.method !== 'POST') return
    if (underWay >= limits.requests) {
      throw new TpError('TP_BUSY', 'server', `${underWay} requests are being answered already; ask again later`)
    }
    underWay++
    whenOver(reply, () => underWay--)
  })
  app.addHook('onSend', async (_request, reply) => {
    if (context.isEnding()) reply.header('connection', 'close')
    if (reply.statusCode !== 429) return
    const ms = Math.max(...[...models.values()].map(({ current }) => current.engine.waiting().ms))
    reply.header('retry-after', Math.min(RETRY_SECONDS[1], Math.max(RETRY_SECONDS[0], Math.ceil(ms / 1000))))
  })
  app.setErrorHandler((error, _request, reply) => {
    const { status, code, message } = failureOf(error)
    return reply.code(status).send({ error: message, code })
  })
  app.setNotFoundHandler((_request, reply) => {
    return reply.code(404).send({ error: 'there is no such route; docs/serving.md lists them', code: 'TP_NOT_FOUND' })
  })

  metrics.routes(app)
  for (const routes of [oipRoutes, openaiRoutes, teiRoutes]) await app.register((own) => routes(own, context))
  await app.ready()
  return { fastify: app, isIdle: () => open === 0 }
}
