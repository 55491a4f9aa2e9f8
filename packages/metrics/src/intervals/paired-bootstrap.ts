import { randomNumbers } from '@tp/core/statistics'
import { type Interval, TAIL } from './interval.ts'

/** Draws of examples; the ends of an interval move by about a fiftieth of its width from seed to seed. */
const DRAWS = 2000

/**
 * A figure of examples with its 95 % percentile interval (Efron, 1979): the figure of as many examples drawn with replacement,
 * 2,000 times, without the outer 2.5 % on either side. For figures that are not a mean of the examples' contributions, and for
 * comparisons with the literature; a difference of two models is paired if `figure` takes it on the same examples.
 * It knows only what it saw: of few examples, or where models hardly differ, it is too narrow (docs/design.md, Promises).
 * @param figure of the examples at these positions, which may occur several times; they are only there during the call
 */
export function pairedBootstrap(count: number, figure: (examples: Int32Array) => number): Interval {
  const random = randomNumbers(count)
  const examples = Int32Array.from({ length: count }, (_, i) => i)
  const estimate = figure(examples)
  const drawn = Float64Array.from({ length: DRAWS }, () => {
    for (let i = 0; i < count; i++) examples[i] = Math.floor(random() * count)
    return figure(examples)
  }).sort()
  return {
    estimate,
    low: Math.min(estimate, drawn[Math.round(TAIL * (DRAWS - 1))] as number),
    high: Math.max(estimate, drawn[Math.round((1 - TAIL) * (DRAWS - 1))] as number),
  }
}

/** The same of a mean over examples. */
export function bootstrapMean(values: readonly number[]): Interval {
  return pairedBootstrap(values.length, (examples) => {
    let sum = 0
    for (const example of examples) sum += values[example] as number
    return sum / examples.length
  })
}
