import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { readCompressed } from './body.ts'
import { answerClientError, refuseUnspecified } from './client-error.ts'
import type { RouteContext } from './context.ts'
import { failureOf, textOf } from './errors.ts'
import type { Metrics } from './metrics.ts'
import { oipRoutes } from './oip.ts'
import { openaiRoutes } from './openai.ts'
import { whenOver } from './over.ts'
import { limitPipelines } from './pipelines.ts'
import { limitReceived } from './receiving.ts'
import { limitRequests } from './slots.ts'
import { rootRoute, teiRoutes } from './tei.ts'
import { traceRequests } from './tracing.ts'
import { limitUnread } from './unread.ts'

/** Milliseconds between two looks at how long clients have been sending, at most. */
const LOOK_MS = 1000

/** Seconds after which a client should try again, at least and at most. */
const RETRY_SECONDS = [1, 60] as const

export interface App {
  readonly fastify: FastifyInstance
  /** Whether no request is being answered. One that is still being sent is not. */
  isIdle(): boolean
}

/** All routes, with the limits that hold for all of them. */
export async function createApp(routes: RouteContext, metrics: Metrics): Promise<App> {
  const { limits, models, isEnding } = routes
  const app = Fastify({
    bodyLimit: limits.body,
    requestTimeout: limits.sendMs,
    // Fastify sets the one above only after Node has derived its own from it.
    http: {
      headersTimeout: limits.sendMs,
      requestTimeout: limits.sendMs,
      requireHostHeader: false,
      connectionsCheckingInterval: Math.min(LOOK_MS, limits.sendMs),
    },
    forceCloseConnections: 'idle',
    clientErrorHandler: answerClientError,
    frameworkErrors: answerFailure,
    rewriteUrl: ({ method, url = '' }) => (method === 'POST' && /^\/(\?|$)/.test(url) ? rootRoute(routes) : url),
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    routerOptions: { maxParamLength: 200 },
  })

  traceRequests(app)
  metrics.routes(app)
  /** The last request of each connection. */
  const newest = new WeakMap<object, object>()
  app.addHook('onRequest', async ({ raw }) => void newest.set(raw.socket, raw))
  limitPipelines(app, limits.waiting)
  refuseUnspecified(app)
  readCompressed(app, limits.body)
  limitReceived(app, limits.body, limits.received)
  limitUnread(app, limits.unread)
  const slots = limitRequests(app, limits.requests)
  const context: RouteContext = { ...routes, isReady: () => routes.isReady() && slots.isOneFree() }
  let accepted = 0
  app.addHook('preValidation', async (_request, reply) => {
    accepted++
    whenOver(reply, () => accepted--)
  })
  app.addHook('onSend', async ({ raw }, reply) => {
    // Not earlier: pipelined requests after it would be lost.
    if (isEnding() && newest.get(raw.socket) === raw) reply.header('connection', 'close')
    if (reply.statusCode !== 429) return
    const ms = Math.max(...[...models.values()].map(({ current }) => current.engine.waiting().ms))
    reply.header('retry-after', Math.min(RETRY_SECONDS[1], Math.max(RETRY_SECONDS[0], Math.ceil(ms / 1000))))
  })
  // Fastify's own reader puts another character in the place of bytes that are not UTF-8.
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      app.getDefaultJsonParser('error', 'error')(request, textOf(body as Buffer), done)
    } catch (error) {
      done(error as Error)
    }
  })
  app.setErrorHandler(answerFailure)
  app.setNotFoundHandler((_request, reply) => {
    return reply.code(404).send({
      error: 'there is no such route; https://github.com/tp-pruning/tp/blob/main/docs/serving.md lists them',
      code: 'TP_NOT_FOUND',
    })
  })

  for (const routes of [oipRoutes, openaiRoutes, teiRoutes]) await app.register((own) => routes(own, context))
  await app.ready()
  return { fastify: app, isIdle: () => accepted === 0 }
}

function answerFailure(error: unknown, _request: FastifyRequest, reply: FastifyReply): void {
  const { status, code, message } = failureOf(error)
  reply.code(status).send({ error: message, code })
}
