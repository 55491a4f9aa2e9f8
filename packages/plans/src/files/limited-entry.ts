import { Script } from 'node:vm'
import { type Method, type MethodEntry, TpError } from '@tp/core'

/** Milliseconds that one call of a method may take: it only builds an expression, and no signal is heard meanwhile. */
const LIMIT = 5_000

/**
 * A method of a plugin whose functions end: a loop without end would keep the process from hearing any signal but SIGKILL.
 * @throws TpError TP_METHOD, from its functions
 */
export function limitedEntry(entry: MethodEntry, plugin: string, limit: number = LIMIT): MethodEntry {
  const limited = <Args extends unknown[], T>(work: (...args: Args) => T, name: string): ((...args: Args) => T) =>
    function (this: unknown, ...args) {
      const late = (): TpError =>
        new TpError(
          'TP_METHOD',
          plugin,
          `${name} of "${entry.name}" does not return after ${limit / 1000} s; does it loop?`,
        )
      return withinTime(() => work.apply(this, args), limit, late)
    }
  const limitedMethod = (method: Method): Method => {
    if (typeof method !== 'object' || method === null) return method
    const functions = Object.entries(method).flatMap(([name, value]) =>
      typeof value === 'function' ? [[name, limited(value, name)] as const] : [],
    )
    const { before } = method
    return copyWith(method, { ...Object.fromEntries(functions), ...(before && { before: limitedMethod(before) }) })
  }
  const create = limited((...args: Parameters<MethodEntry['create']>) => entry.create(...args), 'create')
  return copyWith(entry, { create: (options) => limitedMethod(create(options)) })
}

function copyWith<T extends object>(original: T, own: Partial<T>): T {
  return Object.assign(Object.create(Object.getPrototypeOf(original)), original, own)
}

/** The function that {@link script} calls: Node breaks off only scripts. */
const WORK = Symbol.for('@tp/plans: limited work')
const script = new Script("globalThis[Symbol.for('@tp/plans: limited work')]()")

/** @param late the error where it takes longer */
function withinTime<T>(work: () => T, timeout: number, late: () => Error): T {
  const scope = globalThis as { [WORK]?: unknown }
  const outer = scope[WORK]
  scope[WORK] = work
  try {
    return script.runInThisContext({ timeout })
  } catch (error) {
    throw isTimeout(error) ? late() : error
  } finally {
    scope[WORK] = outer
  }
}

/** A method may throw anything, an object too that throws when it is read. */
function isTimeout(thrown: unknown): boolean {
  try {
    return (thrown as { code?: unknown } | null | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  } catch {
    return false
  }
}
