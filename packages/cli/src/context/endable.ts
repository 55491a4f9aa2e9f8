import { setImmediate } from 'node:timers/promises'
import { Script } from 'node:vm'

/** Signals by which a user ends a command. */
export const ENDING_SIGNALS = ['SIGINT', 'SIGTERM'] as const
/** Of this process, by one of them. */
export const interruption: AbortController = new AbortController()

/** Listeners of SIGINT while {@link endable} has taken them off. */
let interrupted: NodeJS.SignalsListener[] = []

/**
 * Work that has written nothing yet and may block the event loop: meanwhile SIGINT and SIGTERM end the process at once, as
 * they do without a listener. A listener would run only after the computation, since Node runs it
 * on the same thread. SIGINT interrupts only its {@link interruptible} parts instead, and the command says so.
 */
export async function endable<T>(work: () => T | Promise<T>): Promise<T> {
  // A signal that has come already would be lost with its listener: one whole turn of the event loop hears it.
  for (let half = 0; half < 2; half++) await setImmediate()
  const listeners = ENDING_SIGNALS.map((signal) => ({ signal, all: process.listeners(signal) }))
  for (const { signal } of listeners) process.removeAllListeners(signal)
  interrupted = listeners.find(({ signal }) => signal === 'SIGINT')?.all.slice() ?? []
  try {
    return await interruptible(work)
  } finally {
    for (const { signal, all } of listeners) for (const listener of all) process.on(signal, listener)
    interrupted = []
  }
}

/** The function that {@link script} calls: Node interrupts only scripts. */
const WORK = Symbol.for('@tp/cli: interruptible work')
const script = new Script("globalThis[Symbol.for('@tp/cli: interruptible work')]()")

/**
 * Computes, up to the first `await`. Within {@link endable} SIGINT breaks it off, and the listeners of SIGINT are called.
 * @throws Error when it was broken off
 */
export function interruptible<T>(work: () => T): T {
  if (interrupted.length === 0) return work()
  const scope = globalThis as { [WORK]?: unknown }
  const outer = scope[WORK]
  scope[WORK] = work
  try {
    return script.runInThisContext({ breakOnSigint: true })
  } catch (error) {
    const isInterrupted = (error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED'
    if (isInterrupted) for (const listener of interrupted.splice(0)) listener('SIGINT')
    throw error
  } finally {
    scope[WORK] = outer
  }
}
