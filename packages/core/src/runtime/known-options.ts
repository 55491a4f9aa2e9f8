import { TpError } from '../errors.ts'
import { isRecord } from '../is-record.ts'

/**
 * Refuses options that nobody reads: JavaScript callers may misspell one. An option that is undefined is none.
 * @throws TpError TP_OPTION
 */
export function checkKnownOptions(where: string, options: unknown, known: readonly string[]): void {
  if (!isRecord(options)) throw problem(where, `the options are ${String(options)}; they must be an object`)
  const unknown = Object.keys(options).find((name) => options[name] !== undefined && !known.includes(name))
  if (unknown === undefined) return
  const taken = known.length === 0 ? 'none are taken here' : `it takes ${known.join(', ')}`
  throw problem(where, `there is no option ${unknown}; ${taken}`)
}

function problem(where: string, message: string): TpError {
  return new TpError('TP_OPTION', where, message)
}
