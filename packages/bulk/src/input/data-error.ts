import { TpError } from '@tp/core'

/** An error in data, with its location. */
export function dataError(where: string, problem: string, cause?: unknown): TpError {
  return new TpError('TP_DATA', 'bulk', `${where}: ${problem}`, cause === undefined ? {} : { cause })
}
