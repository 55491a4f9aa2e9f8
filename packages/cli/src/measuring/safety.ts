import type { Interval } from '@tp/eval/metrics'

/** Whether a loss is within what is allowed: with its whole interval, with none of it, or with a part. */
export type Safety = 'safe' | 'unsafe' | 'not shown'

/** @param tolerance what may be lost, in the units of the loss */
export function safetyOf({ low, high }: Interval, tolerance: number): Safety {
  if (high <= tolerance) return 'safe'
  return low > tolerance ? 'unsafe' : 'not shown'
}
