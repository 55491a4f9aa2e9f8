import { isTpError, TpError } from '@tp/core'
import { type AbortSignalLike, abortError, type NamedTensors, type Session, throwIfAborted } from '@tp/core/runtime'
import { answersOf, findTokenOutputs } from './answers.ts'
import { chooseBatch } from './choose-batch.ts'
import { type Entry, FairQueue } from './fair-queue.ts'
import { type ExampleRow, joinRows, type RowForm, rowForm } from './row.ts'
import { callerContext, traceRun } from './trace-run.ts'

export interface EngineOptions {
  /** Each runs one batch at a time; the same session may be named several times if it computes several runs at once. */
  readonly sessions: readonly [Session, ...Session[]]
  /** Functions that do the first two runs, if not the sessions: these may count what they run. */
  readonly probe?: Session | undefined
  /** The model computes nothing for padding (`pack` of `@tp/compiler`), so batches are not sorted by length. */
  readonly packed?: boolean | undefined
  /** Rows are run in the order in which they are due, even if that costs padding: a monitor takes what is sorted by length for drift. */
  readonly inOrder?: boolean | undefined
  /** Token id at padding. Default 0. */
  readonly padId?: number | undefined
  /** Milliseconds that a row may wait for others to fill a batch, while a session is idle. Default 0. */
  readonly maxWait?: number | undefined
  /** Tokens of one run. Default 2,048. */
  readonly batchTokens?: number | undefined
  /** Tokens that may wait; a request that would exceed them is rejected, unless nothing waits. Default 65,536. */
  readonly queueTokens?: number | undefined
  /** The name of the model in traces. */
  readonly name?: string | undefined
  /** Called after every run. */
  readonly onBatch?: ((batch: BatchReport) => void) | undefined
}

/** The outcome of one run. */
export interface BatchReport {
  readonly rows: number
  /** Attended tokens. */
  readonly tokens: number
  /** Milliseconds of the run. */
  readonly ms: number
  /** Milliseconds that each row has waited for it. */
  readonly waited: readonly number[]
  /** Share of the tokens that each row kept, where the model says so (`tp.monitor.kept`). */
  readonly kept: readonly number[]
}

/** A model behind a queue. */
export interface Engine {
  readonly form: RowForm
  readonly packed: boolean
  /** Outputs with a row for each token of a text. */
  readonly tokenOutputs: ReadonlySet<string>
  /**
   * The outputs of each row, as if it had been run alone. Rows of several requests are run together.
   * @throws TpError TP_BUSY if too much waits, TP_ABORTED by the signal, TP_CLOSED after `close`; of the run if it fails for these rows alone
   */
  run(rows: readonly ExampleRow[], options?: { readonly signal?: AbortSignalLike | undefined }): Promise<NamedTensors[]>
  /** The rows that wait now, and the milliseconds until they are done, estimated from the last runs. */
  waiting(): { readonly rows: number; readonly tokens: number; readonly ms: number }
  /** Whether one more request would be rejected for what waits already. */
  isFull(): boolean
  /** False once a session is lost: the engine answers no more. */
  isHealthy(): boolean
  /** Accepts nothing more, runs what waits, and frees the sessions. */
  close(): Promise<void>
}

interface Pending {
  readonly caller: ReturnType<typeof callerContext>
  readonly answers: NamedTensors[]
  remaining: number
  ended: boolean
  resolve(answers: NamedTensors[]): void
  reject(error: unknown): void
}

/** A session is lost: its current run fails, and so would all others. */
const LOST: readonly string[] = ['TP_WORKER', 'TP_DISPOSED']

/**
 * Puts a queue in front of sessions of one model, and learns by two short runs what its outputs are.
 * @throws TpError TP_SERVE for a model whose examples cannot be batched
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { sessions, name = 'model', packed = false, inOrder = false, padId, onBatch } = options
  const { maxWait = 0, batchTokens = 2048, queueTokens = 65_536 } = options
  const form = rowForm(sessions[0].inputs, padId)
  const budget = { tokens: batchTokens, packed, inOrder, rows: form.batch ?? Number.POSITIVE_INFINITY }
  const probes = options.probe === undefined ? [...new Set(sessions)] : [options.probe]
  const [outputs = new Set<string>()] = await Promise.all(probes.map((session) => findTokenOutputs(session, form)))

  const queue = new FairQueue<Pending>()
  const idle: Session[] = [...sessions]
  const underWay = new Set<Promise<void>>()
  const runs = new Set<{ readonly batch: readonly Entry<Pending>[]; readonly unwanted: AbortController }>()
  let timer: NodeJS.Timeout | undefined
  /** Milliseconds a token, over about the last ten runs. */
  let pace = 0
  let isClosing = false
  let closed: Promise<void> | undefined
  let healthy = true

  function startNext(): void {
    clearTimeout(timer)
    while (idle.length > 0 && queue.entries.length > 0) {
      const left = maxWait - queue.waited()
      if (left > 0 && queue.tokens < batchTokens && !isClosing) {
        timer = setTimeout(startNext, left)
        return
      }
      const session = idle.pop() as Session
      const batch = chooseBatch(queue.entries, budget)
      queue.take(batch)
      const work: Promise<void> = runBatch(session, batch).then(() => {
        idle.push(session)
        underWay.delete(work)
        startNext()
      })
      underWay.add(work)
    }
  }

  async function runBatch(session: Session, entries: readonly Entry<Pending>[]): Promise<void> {
    const batch = entries.filter(({ request }) => !request.ended)
    if (batch.length === 0) return
    const start = performance.now()
    try {
      const answers = await runRows(session, batch)
      const report = reportOf(batch, answers, start)
      pace += (report.ms / report.tokens / sessions.length - pace) * (pace === 0 ? 1 : 0.1)
      onBatch?.(report)
      for (const [i, { request, position }] of batch.entries()) settle(request, position, answers[i] as NamedTensors)
    } catch (error) {
      if (isTpError(error) && LOST.includes(error.code)) healthy = false
      const [first] = batch
      // One bad row must not fail those of others: each is run alone, and only those that fail then are to blame.
      if (batch.length > 1 && healthy) for (const entry of batch) await runBatch(session, [entry])
      else if (first !== undefined) end(first.request, () => first.request.reject(error))
    }
  }

  async function runRows(session: Session, batch: readonly Entry<Pending>[]): Promise<NamedTensors[]> {
    const rows = batch.map(({ row }) => row)
    const run = { batch, unwanted: new AbortController() }
    runs.add(run)
    const traced = {
      ...{ model: name, rows: rows.length, tokens: rows.reduce((sum, { tokens }) => sum + tokens, 0) },
      callers: batch.map(({ request }) => request.caller),
    }
    try {
      const { signal } = run.unwanted
      return answersOf(await traceRun(traced, () => session.run(joinRows(form, rows), { signal })), rows, outputs)
    } finally {
      runs.delete(run)
    }
  }

  function settle(request: Pending, position: number, answer: NamedTensors): void {
    request.answers[position] = answer
    request.remaining--
    if (request.remaining === 0) end(request, () => request.resolve(request.answers))
  }

  function end(request: Pending, tell: () => void): void {
    if (request.ended) return
    request.ended = true
    if (request.remaining > 0) queue.remove(request)
    tell()
    for (const { batch, unwanted } of runs) if (batch.every((entry) => entry.request.ended)) unwanted.abort()
  }

  async function drain(): Promise<void> {
    isClosing = true
    startNext()
    while (underWay.size > 0) await Promise.all(underWay)
    await Promise.all([...new Set(sessions)].map((session) => session.dispose()))
  }

  return {
    form,
    packed,
    tokenOutputs: outputs,
    run(rows, { signal } = {}) {
      return new Promise<NamedTensors[]>((resolve, reject) => {
        throwIfAborted(signal, 'server')
        if (isClosing) throw new TpError('TP_CLOSED', 'server', 'the model is being closed; ask again')
        const tokens = rows.reduce((sum, row) => sum + row.tokens, 0)
        if (queue.tokens > 0 && queue.tokens + tokens > queueTokens) throw busy(queue.tokens, tokens, queueTokens)
        const onAbort = (): void => end(request, () => reject(abortError('server', signal as AbortSignalLike)))
        const over = (tell: () => void): void => {
          signal?.removeEventListener('abort', onAbort)
          tell()
        }
        const request: Pending = {
          answers: [],
          caller: callerContext(),
          remaining: rows.length,
          ended: false,
          resolve: (answers) => over(() => resolve(answers)),
          reject: (error) => over(() => reject(error)),
        }
        signal?.addEventListener('abort', onAbort)
        if (rows.length === 0) return end(request, () => request.resolve([]))
        queue.add(request, rows)
        startNext()
      })
    },
    waiting: () => ({ rows: queue.entries.length, tokens: queue.tokens, ms: queue.tokens * pace }),
    isFull: () => queue.tokens >= queueTokens,
    isHealthy: () => healthy,
    close() {
      closed ??= drain()
      return closed
    },
  }
}

function reportOf(batch: readonly Entry<unknown>[], answers: readonly NamedTensors[], start: number): BatchReport {
  return {
    rows: batch.length,
    tokens: batch.reduce((sum, { tokens }) => sum + tokens, 0),
    ms: performance.now() - start,
    waited: batch.map(({ since }) => start - since),
    kept: answers.flatMap(({ 'tp.monitor.kept': share }) => (share === undefined ? [] : [Number(share.data[0])])),
  }
}

function busy(waiting: number, tokens: number, most: number): TpError {
  const seen = `${waiting} tokens wait, and with the ${tokens} of this request they would be more than ${most}`
  return new TpError('TP_BUSY', 'server', `${seen}; ask again later`)
}
