import { once } from 'node:events'
import { TpError } from '@tp/core'
import type { ModelToServe, ServeOptions, Server } from '@tp/server'
import { flag, text } from '../arguments/option.ts'
import { runOptions } from '../arguments/run-options.ts'
import { usageError } from '../arguments/usage-error.ts'
import { openRuntime } from '../plugins/open-runtime.ts'
import { jsonDocument } from '../printing/document.ts'
import { onHangUp } from '../serving/hang-up.ts'
import { watchLauncher } from '../serving/launcher.ts'
import { readPlanOfRuns, readRun } from '../serving/read-run.ts'
import { type Command, command } from './command.ts'
import { EXIT } from './exit-code.ts'

const whole = { is: 'whole number' } as const

export const serveCommand: Command = command({
  options: {
    host: text('HOST', 'address to listen at; default 127.0.0.1'),
    port: text('PORT', 'default 8080; 0 takes a free one', { is: 'port' }),
    runtime: text(
      'RUNTIME',
      'node, native or a module; default: native if installed, else node; native has kernels for packed models',
      { reads: 'module', words: ['node', 'native'] },
    ),
    threads: text('N', 'threads per run; default: cores / --at-once', whole),
    'at-once': text('N', 'runs of a model at the same time; default 1', whole),
    'max-wait': text('MS', 'how long a text waits for its batch to fill; default 0', {
      is: 'from 0',
    }),
    'batch-tokens': text('N', 'most tokens per batch; default 2048', whole),
    'queue-tokens': text(
      'N',
      'most tokens that may wait; default 65536; for each model; requests beyond them get 429',
      whole,
    ),
    'max-texts': text('N', 'most texts per request; default 128', whole),
    'max-tokens': text('N', 'most tokens per text; default: as in the model', whole),
    'max-body': text('BYTES', 'most bytes per request; default 4194304', whole),
    truncate: flag('cut texts that are too long; unless a request says otherwise'),
    ...runOptions,
    'drain-ms': text(
      'MS',
      'how long to go on answering after SIGTERM; default 1000; meanwhile it reports that it is not ready',
      { is: 'from zero' },
    ),
    'end-ms': text('MS', 'time for accepted requests; default 20000; after that their connections are closed', {
      is: 'from zero',
    }),
  },
  notes: [
    'A model is named after its folder, or by NAME=MODEL. tokenizer.json and config.json next to it define how texts are read.',
    'On SIGTERM and SIGINT the server answers the accepted requests and ends; on SIGHUP it opens the files again, plans included, and',
    'loses no request. An example:',
    '',
    '  tp serve mail/model.onnx packed=mail/packed.onnx --port 8080',
  ],
  async run(operands, options, { print, progress, signal, json = false }) {
    using hangUps = onHangUp((server) => void reloadAll(server, (text) => progress.note(text)))
    const ended = new AbortController()
    using _watch = watchLauncher(() => {
      progress.note('npm has ended; so does the server')
      ended.abort()
    })
    const { plan, threads, host, port, truncate } = options
    const request = await readRun(options)
    const [ofOne] = Object.keys(request)
    if (ofOne !== undefined && operands.length > 1) throw usageError(`--${ofOne} belongs to one model; serve it alone`)
    const shared: Partial<ModelToServe> = {
      runtime: options.runtime === undefined ? undefined : await openRuntime(options.runtime),
      threads,
      atOnce: options['at-once'],
      maxWait: options['max-wait'],
      batchTokens: options['batch-tokens'],
      queueTokens: options['queue-tokens'],
      maxTokens: options['max-tokens'],
      ...request,
      readPlan: plan === undefined ? undefined : () => readPlanOfRuns(plan),
    }
    progress.stage(`loading ${operands.length === 1 ? operands[0] : `${operands.length} models`}`)
    const server = await open({
      models: operands.map((operand) => ({ ...shared, ...modelOf(operand) })),
      ...{ host, port, truncate, drainMs: options['drain-ms'], endMs: options['end-ms'] },
      limits: { texts: options['max-texts'], body: options['max-body'] } as ServeOptions['limits'],
      onAlarm: (model, { signal: what, seen, expected }) =>
        progress.note(`${model}: inputs have changed: ${what} is ${seen}, was ${expected}`),
    })
    progress.end()
    const models = server.models.map(({ name, current: { version, task, runtime, engine, notes } }) => {
      return { name, version, task, runtime, packed: engine.packed, notes }
    })
    for (const { name, notes } of models) for (const note of notes) progress.note(`${name}: ${note}`)
    const { url } = server
    const lines = models.map(({ name, task, runtime, packed }) => {
      return `  ${name}: ${task}, ${packed ? 'packed' : 'padded'} batches on the runtime ${runtime}`
    })
    print(
      json
        ? jsonDocument('serve', { url, pid: process.pid, models })
        : [`serving at ${url}; to stop it: kill ${process.pid}`, ...lines].join('\n'),
    )
    hangUps.serving(server)
    try {
      const ending = AbortSignal.any([signal, ended.signal])
      if (!ending.aborted) await once(ending, 'abort')
      hangUps.ending()
      progress.note('answering accepted requests, then ending')
    } finally {
      await server.close()
    }
    return EXIT.done
  },
})

/** `@tp/server` need not be installed. */
async function open(options: ServeOptions): Promise<Server> {
  let serve: (options: ServeOptions) => Promise<Server>
  try {
    serve = (await import('@tp/server')).serve
  } catch (cause) {
    const advice = 'install @tp/server together with @tp/cli'
    throw new TpError('TP_SERVER_MISSING', 'tp', `${(cause as Error).message}; ${advice}`, { cause })
  }
  return serve(options)
}

/** `NAME=PATH`, or a path alone. */
function modelOf(operand: string): Pick<ModelToServe, 'name' | 'path'> {
  const [, name, path] = /^([\w.-]+)=(.+)$/.exec(operand) ?? []
  return path === undefined ? { path: operand } : { name, path }
}

async function reloadAll(server: Server, note: (text: string) => void): Promise<void> {
  for (const { name, error } of await server.reload()) {
    note(error === undefined ? `${name} is served from its current file` : `${name} is unchanged: ${error.message}`)
  }
}
