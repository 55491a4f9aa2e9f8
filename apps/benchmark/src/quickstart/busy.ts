import { availableParallelism, loadavg } from 'node:os'
import { factor } from '@tp/compare'
import type { Speedup } from '@tp/metrics'

/** Runs that want a processor, and how many there are. */
export interface MachineLoad {
  /** Mean of the last minute, this process counted; 0 where the system does not say. */
  readonly load: number
  readonly processors: number
}

export function machineLoad(): MachineLoad {
  return { load: loadavg()[0] as number, processors: availableParallelism() }
}

/** An interval whose ends are further apart than this is of a machine with other work. */
const WIDE = 1.3

/**
 * A sentence on times that other work has disturbed; undefined where neither the load nor the spread of the times says so.
 * @param rows that were timed in turns, next to dense
 */
export function busyNote(
  rows: readonly { readonly name: string; readonly speedup: Speedup }[],
  { load, processors }: MachineLoad,
): string | undefined {
  const widest = [...rows].sort((a, b) => b.speedup.high / b.speedup.low - a.speedup.high / a.speedup.low)[0]
  const reasons = [
    // This process has one thread while it measures times.
    ...(load > processors + 0.5 ? [`its load is ${load.toFixed(1)} on ${processors} processors`] : []),
    ...(widest !== undefined && widest.speedup.high / widest.speedup.low > WIDE
      ? [`${widest.name} was between ${factor(widest.speedup.low)} and ${factor(widest.speedup.high)} as fast`]
      : []),
  ]
  if (reasons.length === 0) return undefined
  return `this machine is busy: ${reasons.join(', and ')}. Losses are right, times are rough: measure again when it has nothing else to do`
}
