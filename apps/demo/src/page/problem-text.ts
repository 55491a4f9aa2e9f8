import { isTpError } from '@tp/core'

/** The visible part of an error: its message without the package in front. */
export function problemText(error: unknown): string {
  return isTpError(error) ? error.message.slice(`[${error.where}] `.length) : String(error)
}
