import type { Interval, Speedup } from '@tp/metrics'

/** `1.83×`; `–` for what no number is, as a quotient by 0. */
export function factor(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(2)}×` : '–'
}

/** `1.83× (1.80 … 1.86)` */
export function speedUpText({ value, low, high }: Speedup): string {
  return `${factor(value)} (${low.toFixed(2)} … ${high.toFixed(2)})`
}

/** `0.3 (−0.1 … 0.8)`: an estimate in points with its interval. */
export function points({ estimate, low, high }: Interval): string {
  return `${signed(estimate)} (${signed(low)} … ${signed(high)})`
}

/** `1 point of accuracy`, `0.5 points of accuracy`: an amount with its unit, which is a plural. */
export function amountOf(amount: number, unit: string): string {
  return `${amount} ${amount === 1 ? unit.replace(/^(point|hundredth)s/, '$1') : unit}`
}

/** One decimal, with a minus sign and without minus zero. */
function signed(value: number): string {
  const text = Math.abs(value).toFixed(1)
  return value < 0 && text !== '0.0' ? `−${text}` : text
}
