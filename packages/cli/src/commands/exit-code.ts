import { isTpError } from '@tp/core'
import { RefusalError } from '../model/refusal-error.ts'

/** Exit codes of every command. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  belowThreshold: 3,
  refused: 4,
  interrupted: 130,
} as const

/** Errors that another command line would not have. */
const usageCodes: readonly string[] = [
  'TP_USAGE',
  'TP_OPTION',
  'TP_PLAN',
  'TP_SCHEDULE',
  'TP_PROTECT',
  'TP_ENCODER',
  'TP_FLOPS',
  'TP_SIZES',
  'TP_UNKNOWN_METHOD',
  'TP_OUTPUT',
]

export function exitCodeOf(error: unknown): number {
  if (!isTpError(error)) return EXIT.failed
  if (error instanceof RefusalError) return EXIT.refused
  if (error.code === 'TP_ABORTED') return EXIT.interrupted
  return usageCodes.includes(error.code) ? EXIT.usage : EXIT.failed
}
