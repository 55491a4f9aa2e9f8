import { TpError } from '@tp/core'

/** What is wrong with data, and where. */
export function dataError(where: string, problem: string, cause?: unknown): TpError {
  return new TpError('TP_DATA', 'bulk', `${where}: ${problem}`, cause === undefined ? {} : { cause })
}
