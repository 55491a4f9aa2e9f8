import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { TpError } from '@tp/core'
import { modelOf } from '@tp/data/folders'
import type { Alarm } from '@tp/guard'
import { createApp } from './http/app.ts'
import type { RequestLimits, RouteContext } from './http/context.ts'
import { endConnections } from './http/end-connections.ts'
import { createMetrics } from './http/metrics.ts'
import type { GuardOptions } from './model/guarded.ts'
import { type ServedModel, type ServedOptions, serveModel } from './model/served-model.ts'

/** One model to serve. */
export interface ModelToServe extends Omit<ServedOptions, 'onBatch' | 'onCascade' | 'guard'> {
  /** The dense model as the fallback of this pruned one. */
  readonly guard?: Omit<GuardOptions, 'onAlarm'> | undefined
  /** Default: the name of its folder. */
  readonly name?: string | undefined
}

export interface ServeOptions {
  readonly models: readonly ModelToServe[]
  /** Default 127.0.0.1: this machine alone can ask. */
  readonly host?: string | undefined
  /** Default 8080; 0 takes a free one. */
  readonly port?: number | undefined
  readonly limits?: Partial<RequestLimits> | undefined
  /** Cut texts that are too long where a request does not say. Default: refuse them. */
  readonly truncate?: boolean | undefined
  /** Milliseconds between the first word of closing (not ready any more) and the time when nothing listens. Default 1,000. */
  readonly drainMs?: number | undefined
  /** Milliseconds after that within which what was accepted is answered; then its connections are closed. Default 20,000. */
  readonly endMs?: number | undefined
  /** Told of drift. */
  readonly onAlarm?: ((model: string, alarm: Alarm) => void) | undefined
}

export interface Server extends AsyncDisposable {
  /** `http://127.0.0.1:8080` */
  readonly url: string
  readonly models: readonly Pick<ServedModel, 'name' | 'current'>[]
  /** Opens every model's file again; none of the requests meanwhile is lost. A model that cannot be opened remains as it was. */
  reload(): Promise<readonly { readonly name: string; readonly error?: Error }[]>
  /** Reports that it is not ready, answers what it has accepted, and ends. */
  close(): Promise<void>
}

const LIMITS: RequestLimits = {
  texts: 128,
  body: 2 ** 22,
  received: 2 ** 28,
  waiting: 2 ** 27,
  unread: 2 ** 28,
  values: 2 ** 20,
  requests: 512,
  sendMs: 30_000,
}

/**
 * Serves models over HTTP: the Open Inference Protocol v2, OpenAI's embeddings, and the routes of text-embeddings-inference.
 *
 * ```ts
 * await using server = await serve({ models: [{ path: 'mail/model.onnx' }] })
 * await fetch(`${server.url}/predict`, { method: 'POST', … })
 * ```
 * @throws TpError TP_OPTION for options that cannot be; TP_LISTEN for an address that cannot be listened at; what opening a model throws
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const { host = '127.0.0.1', port = 8080, truncate = false, onAlarm, drainMs = 1000, endMs = 20_000 } = options
  const limits = { ...LIMITS, ...withoutUndefined(options.limits ?? {}) }
  checkOptions(options, limits)
  const metrics = createMetrics()
  const models = new Map<string, ServedModel>()
  let isReady = true
  let isEnding = false
  const closeModels = async (): Promise<void> =>
    void (await Promise.all([...models.values()].map((model) => model.close())))

  try {
    for (const { name: explicitName, guard, path: place, ...own } of options.models) {
      const path = await modelOf(place)
      const name = explicitName ?? nameOf(path)
      if (models.has(name)) throw option(`two models are called ${name}; give one another name`)
      const model = await serveModel(name, {
        ...{ ...own, path },
        onBatch: (report) => metrics.batch(name, report),
        onCascade: (run) => metrics.fallbacks(name, run.dense.length),
        guard: guard && {
          ...guard,
          onAlarm(alarm) {
            metrics.alarm(name, alarm.signal)
            onAlarm?.(name, alarm)
          },
        },
      })
      models.set(name, model)
      metrics.watch(model)
    }
    const isHealthy = (): boolean => [...models.values()].every(({ current }) => current.engine.isHealthy())
    const context: RouteContext = {
      ...{ version: version(), models, limits, truncate, isHealthy },
      isReady: () => isReady && isHealthy(),
      isEnding: () => isEnding,
    }
    const app = await createApp(context, metrics)
    const url = await app.fastify.listen({ host, port }).catch((cause: Error) => {
      throw new TpError('TP_LISTEN', 'server', `cannot listen at ${host}:${port}: ${cause.message}`, { cause })
    })

    let closed: Promise<void> | undefined
    async function close(): Promise<void> {
      isReady = false
      // Balancers notice, and send their clients elsewhere.
      await setTimeout(drainMs)
      // From now on each connection has a last answer.
      isEnding = true
      await endConnections(app, endMs)
      await closeModels()
    }
    const server: Server = {
      url,
      models: [...models.values()],
      async reload() {
        const outcomes = []
        // One after the other: each is in memory twice meanwhile.
        for (const model of models.values()) outcomes.push(await reload(model))
        return outcomes
      },
      close() {
        closed ??= close()
        return closed
      },
      [Symbol.asyncDispose]: () => server.close(),
    }
    return server
  } catch (error) {
    await closeModels()
    throw error
  }
}

async function reload(model: ServedModel): Promise<{ readonly name: string; readonly error?: Error }> {
  try {
    await model.reload()
    return { name: model.name }
  } catch (error) {
    return { name: model.name, error: error as Error }
  }
}

/** The name that a user would give the model: its file, if that has a name of its own, or else its folder. */
function nameOf(path: string): string {
  const file = basename(path).replace(/\.onnx$/, '')
  if (!/^model\b/.test(file)) return file
  const folder = dirname(resolve(path))
  return basename(basename(folder) === 'onnx' ? dirname(folder) : folder) || file
}

function checkOptions({ models, drainMs = 0, endMs = 0 }: ServeOptions, limits: RequestLimits): void {
  if (models.length === 0) throw option('there is no model to serve; give one or more')
  for (const [name, value] of Object.entries(limits)) requireWhole(name, value, 1)
  for (const [name, value] of Object.entries({ drainMs, endMs })) requireWhole(name, value, 0)
  for (const { maxWait = 0, batchTokens = 1, queueTokens = 1, atOnce = 1, maxTokens = 3, plan, guard } of models) {
    if (plan !== undefined && guard !== undefined)
      throw option('a guard is of a pruned file, and a plan prunes a dense one; give one of them')
    if (!(maxWait >= 0 && Number.isFinite(maxWait))) throw option(`maxWait is ${maxWait}; give milliseconds, 0 or more`)
    for (const [name, value] of Object.entries({ batchTokens, queueTokens, atOnce })) requireWhole(name, value, 1)
    requireWhole('maxTokens', maxTokens, 3)
  }
}

function requireWhole(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least)
    throw option(`${name} is ${value}; give a whole number, ${least} or more`)
}

function option(message: string): TpError {
  return new TpError('TP_OPTION', 'server', message)
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version
}
