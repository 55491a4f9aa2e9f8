import { TpError } from '@tp/core'

export function missing(name: string, command: string): TpError {
  return new TpError('TP_FILE_NOT_FOUND', 'benchmark', `${name} is not there; ${command} fetches it`)
}
