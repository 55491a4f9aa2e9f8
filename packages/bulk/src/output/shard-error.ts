import { TpError } from '@tp/core'

/** A shard on the disk is not what was written. */
export function shardError(path: string, rows: number, seen: string, cause?: unknown): TpError {
  const advice = 'remove it, and continue with --resume'
  const options = cause === undefined ? {} : { cause }
  return new TpError('TP_SHARD', 'bulk', `${path} should hold ${rows} rows and ${seen}; ${advice}`, options)
}
