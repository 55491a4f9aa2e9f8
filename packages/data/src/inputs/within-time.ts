import { createContext, Script } from 'node:vm'

/** A call into the context ends with it: the one way to break off synchronous work, a regular expression's backtracking, too. */
const call = new Script('work()')
let context: { work?: (() => void) | undefined } | undefined

/**
 * Does synchronous work, which is broken off when its time is over.
 * @param expired the error to throw then
 */
export function withinTime<Result>(work: () => Result, milliseconds: number, expired: () => Error): Result {
  context ??= createContext({})
  let result: { readonly value: Result } | undefined
  context.work = () => {
    result = { value: work() }
  }
  try {
    call.runInContext(context, { timeout: Math.ceil(milliseconds) })
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw expired()
    throw error
  } finally {
    context.work = undefined
  }
  return (result as { readonly value: Result }).value
}
