import { type Context, context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { whenOver } from './over.ts'

/**
 * One span for each request, by the conventions for HTTP servers; a caller's trace goes on. Nothing happens unless the program has
 * registered an SDK of OpenTelemetry.
 */
export function traceRequests(app: FastifyInstance): void {
  const contexts = new WeakMap<FastifyRequest, Context>()
  app.addHook('onRequest', async (request, reply) => {
    const caller = propagation.extract(context.active(), request.headers)
    // The pattern and not the address, which anyone can choose.
    const { url: route } = request.routeOptions
    const attributes = {
      'http.request.method': request.method,
      'url.scheme': 'http',
      'url.path': request.url.replace(/\?.*/s, ''),
      ...(route !== undefined && { 'http.route': route }),
    }
    const name = route === undefined ? request.method : `${request.method} ${route}`
    const span = trace.getTracer('@tp/server').startSpan(name, { kind: SpanKind.SERVER, attributes }, caller)
    contexts.set(request, trace.setSpan(caller, span))
    whenOver(reply, (status) => {
      span.setAttribute('http.response.status_code', status)
      if (status >= 500) span.setAttribute('error.type', `${status}`).setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    })
  })
  // Not earlier: what parses a body is called by its connection, in another context.
  app.addHook('preHandler', (request, _reply, done) => context.with(contexts.get(request) ?? context.active(), done))
}
