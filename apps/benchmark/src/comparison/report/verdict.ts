import type { ReportedChoice } from '../plan.ts'

/** A file that is less than this many times as fast is not worth having. */
const LEAST_SPEEDUP = 1.05

/** Why a way that was chosen on calibration data is not what should be used. */
export type Fault = 'loses more' | 'not faster'

export interface WayVerdict {
  /** The way to use; undefined if the file without its dead tokens is the best that there is. */
  readonly use: ReportedChoice | undefined
  /** Ways that calibration data promised to be faster than that, with what test data say against them. */
  readonly passedOver: readonly { readonly reported: ReportedChoice; readonly fault: Fault }[]
}

/**
 * Of all that was chosen on calibration data the fastest there, unless test data contradict: the whole interval of the loss is
 * above what is allowed, or the clock does not show that it is faster.
 * @param allowed points that may be lost
 */
export function verdictOf(all: readonly ReportedChoice[], allowed: number): WayVerdict {
  const fastestFirst = all.toSorted((a, b) => b.speedup - a.speedup)
  const judged = fastestFirst.map((reported) => ({ reported, fault: faultOf(reported, allowed) }))
  const found = judged.findIndex(({ fault }) => fault === undefined)
  const before = found === -1 ? judged : judged.slice(0, found)
  return {
    use: judged[found]?.reported,
    passedOver: before.flatMap(({ reported, fault }) => (fault ? [{ reported, fault }] : [])),
  }
}

/** The objection of test data to a way, if there is one. */
export function faultOf({ row, tested }: Pick<ReportedChoice, 'row' | 'tested'>, allowed: number): Fault | undefined {
  if (row.loss.low > allowed) return 'loses more'
  return tested.low < LEAST_SPEEDUP ? 'not faster' : undefined
}
