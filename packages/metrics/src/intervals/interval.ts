/** An estimate with its 95 % interval. */
export interface Interval {
  readonly estimate: number
  readonly low: number
  readonly high: number
}

/** The probability outside of a 95 % interval on either side. */
export const TAIL = 0.025

/** 97.5 % of a standard normal distribution lie below it. */
export const NORMAL = 1.959963984540054

/** The same in other units: percent for shares. */
export function scaledInterval({ estimate, low, high }: Interval, factor: number): Interval {
  return { estimate: factor * estimate, low: factor * low, high: factor * high }
}

/**
 * Where an increasing condition begins to hold between two numbers, by bisection.
 * @param holds false at `from`, true at `to`
 */
export function turningPoint(from: number, to: number, holds: (value: number) => boolean): number {
  let [fails, held] = [from, to]
  for (let i = 0; i < 60 && fails !== held; i++) {
    const middle = (fails + held) / 2
    if (holds(middle)) held = middle
    else fails = middle
  }
  return held
}
