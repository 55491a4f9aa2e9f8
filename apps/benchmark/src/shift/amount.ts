import { TpError } from '@tp/core'

/** @throws TpError TP_OPTION unless a number is in a range */
export function checkAmount(shift: string, what: string, value: number, low: number, high: number): void {
  if (value >= low && value <= high) return
  const range = Number.isFinite(high) ? `${low} to ${high}` : `${low} or more`
  throw new TpError('TP_OPTION', 'benchmark', `${shift}: ${what} is ${value}; give a number, ${range}`)
}
