import { type Link, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { modelPath } from '@tp/models'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { serve } from '../src/index.ts'
import { asking } from './client.ts'

const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
provider.register()
beforeEach(() => exporter.reset())
afterAll(() => provider.shutdown())

const mail = { path: modelPath('mail'), threads: 1 }
const models = [
  { ...mail, maxWait: 300 },
  { ...mail, name: 'slow', maxWait: 60_000 },
]
const server = await serve({ models, port: 0, drainMs: 0 })
const ask = asking(server)
afterAll(() => server.close())

const trace = (n: number): string => `${n}`.padStart(32, '0')
const traceparent = (n: number): string => `00-${trace(n)}-${`${n}`.padStart(16, '0')}-01`
const json = { 'content-type': 'application/json' }
const named = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name)

test('requests go on with the traces of their callers, and share the span of their run', async () => {
  // Of one length, so that they make a batch.
  const texts = ['lunch', 'lunch', 'lunch']
  await Promise.all(texts.map((inputs, n) => ask('/predict', { inputs }, { ...json, traceparent: traceparent(n + 1) })))
  await expect.poll(() => named('POST /predict').length).toBe(3)
  const requests = named('POST /predict')
  expect(requests.map((span) => span.spanContext().traceId).sort()).toEqual([1, 2, 3].map(trace))
  for (const { kind, attributes, status } of requests) {
    expect(kind).toBe(SpanKind.SERVER)
    expect(status.code).toBe(SpanStatusCode.UNSET)
    expect(attributes).toEqual({
      'http.request.method': 'POST',
      'url.scheme': 'http',
      'url.path': '/predict',
      'http.route': '/predict',
      'http.response.status_code': 200,
    })
  }
  const [run, ...others] = named('infer mail')
  expect(others).toEqual([])
  expect(run?.attributes).toEqual({ 'tp.model': 'mail', 'tp.batch.rows': 3, 'tp.batch.tokens': expect.any(Number) })
  const spans = [run?.parentSpanContext, ...(run?.links ?? []).map((link: Link) => link.context)]
  expect(spans.map((span) => span?.spanId).sort()).toEqual(requests.map((span) => span.spanContext().spanId).sort())
})

test('does not report a client’s mistake as an error of the server, and names no route that does not exist', async () => {
  await ask('/predict', { inputs: 5 })
  await ask('/nowhere/secret?key=1')
  await expect.poll(() => exporter.getFinishedSpans().length).toBe(2)
  const [wrong, missing] = exporter.getFinishedSpans()
  expect(wrong).toMatchObject({ name: 'POST /predict', status: { code: SpanStatusCode.UNSET } })
  expect(wrong?.attributes).toMatchObject({ 'http.response.status_code': 400 })
  expect(missing).toMatchObject({ name: 'GET' })
  expect(missing?.attributes).toMatchObject({ 'http.response.status_code': 404, 'url.path': '/nowhere/secret' })
})

test('a request whose client goes away has a span, too', async () => {
  const client = new AbortController()
  const request = expect(ask('/predict', { inputs: 'hello', model: 'slow' }, json, client.signal)).rejects.toThrow()
  await expect.poll(() => server.models[1]?.current.engine.waiting().rows).toBe(1)
  client.abort()
  await request
  await expect.poll(() => named('POST /predict').length).toBe(1)
  expect(named('POST /predict')[0]?.attributes).toMatchObject({ 'http.response.status_code': 499 })
})
