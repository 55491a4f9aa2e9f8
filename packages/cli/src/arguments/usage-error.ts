import { TpError } from '@tp/core'

/** A command line that cannot be followed: exit code 2. */
export function usageError(message: string, cause?: unknown): TpError {
  return new TpError('TP_USAGE', 'tp', message, { cause })
}
