import { platform } from '#platform'

/** How many threads onnxruntime's wasm gets, and why that many. */
export interface Threads {
  /** undefined: whatever is best. */
  readonly requested: number | undefined
  readonly got: number
  readonly why: string
}

/**
 * `standard`: how many are taken where none are requested, out of the processor's.
 * `alone`: whether onnxruntime has a file of its own, a worker's or one that is served as it is.
 */
export function chooseThreads(
  requested: number | undefined,
  standard: (cores: number) => number,
  alone: boolean,
): Threads {
  const cores = platform.cores()
  const count = requested ?? standard(cores)
  const obstacle = platform.whyOneThread(alone)
  if (count > 1 && obstacle !== undefined) return { requested, got: 1, why: obstacle }
  return { requested, got: count, why: requested === undefined ? `out of ${cores} of the processor` : 'as asked' }
}
