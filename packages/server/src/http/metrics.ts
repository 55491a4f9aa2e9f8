import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { BatchReport } from '../engine/engine.ts'
import type { ServedModel } from '../model/served-model.ts'
import { whenOver } from './over.ts'

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const TOKENS = [8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384]
const ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
const SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]

/** Metrics for Prometheus. */
export interface Metrics {
  /** Shows what waits for a model whenever it is read. */
  watch(model: ServedModel): void
  batch(model: string, report: BatchReport): void
  fallbacks(model: string, count: number): void
  alarm(model: string, signal: string): void
  /** Times every request, and answers GET /metrics. */
  routes(app: FastifyInstance): void
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const watched: ServedModel[] = []

  const histogram = (name: string, help: string, buckets: number[], labelNames = ['model']): Histogram =>
    new Histogram({ name, help, labelNames, buckets, registers })
  const counter = (name: string, help: string, labelNames = ['model']): Counter =>
    new Counter({ name, help, labelNames, registers })

  const requests = histogram('tp_request_seconds', 'Time from a request to its answer', SECONDS, ['route', 'status'])
  const waits = histogram('tp_queue_seconds', 'Time that a row has waited for its run', SECONDS)
  const runs = histogram('tp_run_seconds', 'Time of a run', SECONDS)
  const tokens = histogram('tp_batch_tokens', 'Attended tokens of a run', TOKENS)
  const rows = histogram('tp_batch_rows', 'Rows of a run', ROWS)
  const share = 'Share of its tokens that a row kept, of models pruned with --monitor'
  const kept = histogram('tp_kept_share', share, SHARES)
  const fallbacks = counter('tp_fallbacks_total', 'Rows that fell back to the dense model')
  const alarms = counter('tp_drift_alarms_total', 'Alarms of the monitor for drift', ['model', 'signal'])
  const gauge = (name: string, help: string, value: (model: ServedModel) => number): void => {
    new Gauge({
      ...{ name, help, labelNames: ['model'], registers },
      collect() {
        for (const model of watched) this.set({ model: model.name }, value(model))
      },
    })
  }
  gauge('tp_queue_tokens', 'Tokens that wait', ({ current }) => current.engine.waiting().tokens)
  gauge('tp_queue_rows', 'Rows that wait', ({ current }) => current.engine.waiting().rows)
  gauge('tp_model_healthy', '1 while the model answers', ({ current }) => Number(current.engine.isHealthy()))

  return {
    watch: (model) => void watched.push(model),
    batch(model, report) {
      for (const ms of report.waited) waits.observe({ model }, ms / 1000)
      for (const share of report.kept) kept.observe({ model }, share)
      runs.observe({ model }, report.ms / 1000)
      tokens.observe({ model }, report.tokens)
      rows.observe({ model }, report.rows)
    },
    fallbacks: (model, count) => fallbacks.inc({ model }, count),
    alarm: (model, signal) => alarms.inc({ model, signal }),
    routes(app) {
      app.addHook('onRequest', async (request, reply) =>
        whenOver(reply, (status) => {
          // The pattern and not the address, which anyone can choose.
          requests.observe({ route: request.routeOptions.url ?? 'none', status }, reply.elapsedTime / 1000)
        }),
      )
      app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
    },
  }
}
