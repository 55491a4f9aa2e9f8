import { type Context, context, SpanStatusCode, trace } from '@opentelemetry/api'

/** The trace context of a run's caller; see {@link traceRun}. */
export function callerContext(): Context {
  return context.active()
}

/** A run of a model. */
export interface TracedRun {
  readonly model: string
  readonly rows: number
  readonly tokens: number
  /** Of the requests whose rows are in it. */
  readonly callers: readonly Context[]
}

/** One span for a run: a part of the first request's trace, with links to those of the others. */
export async function traceRun<T>({ model, rows, tokens, callers }: TracedRun, run: () => Promise<T>): Promise<T> {
  const [first = context.active(), ...others] = [...new Set(callers)]
  const links = others.flatMap((other) => trace.getSpanContext(other) ?? []).map((linked) => ({ context: linked }))
  const attributes = { 'tp.model': model, 'tp.batch.rows': rows, 'tp.batch.tokens': tokens }
  const span = trace.getTracer('@tp/server').startSpan(`infer ${model}`, { attributes, links }, first)
  try {
    return await run()
  } catch (error) {
    const { code = 'unknown', message } = error as { readonly code?: string; readonly message: string }
    span.setAttribute('error.type', code).setStatus({ code: SpanStatusCode.ERROR, message })
    throw error
  } finally {
    span.end()
  }
}
