import { platform } from '#platform'

/** How many threads onnxruntime's wasm gets, and why that many. */
export interface Threads {
  /** undefined: whatever is best. */
  readonly asked: number | undefined
  readonly got: number
  readonly why: string
}

/**
 * `standard`: how many are taken where none are asked for, out of the processor's.
 * `alone`: whether onnxruntime has a file of its own, a worker's or one that is served as it is.
 */
export function chooseThreads(asked: number | undefined, standard: (cores: number) => number, alone: boolean): Threads {
  const cores = platform.cores()
  const wanted = asked ?? standard(cores)
  const obstacle = platform.whyOneThread(alone)
  if (wanted > 1 && obstacle !== undefined) return { asked, got: 1, why: obstacle }
  return { asked, got: wanted, why: asked === undefined ? `out of ${cores} of the processor` : 'as asked' }
}
