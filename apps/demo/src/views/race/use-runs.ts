import { computed, type ReadonlySignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import { layersDone } from './progress-of-run.ts'

/** How far one run is, as it is shown. */
export interface ShownRun {
  /** In ms; undefined: not timed yet. */
  readonly clock: ReadonlySignal<number | undefined>
  /** Layers that have ended; all of them before it is timed. */
  readonly done: ReadonlySignal<number>
}

/** One of two runs that begin together. */
export interface TimedRun {
  /** Tokens of each layer. */
  readonly tokens: readonly number[]
  readonly ms: number | undefined
}

/**
 * Two runs by the same clock. As signals, so that only what has changed is drawn again: clocks in every frame, words by layer.
 * @param at as a fraction of the longer run
 */
export function useRuns(
  at: ReadonlySignal<number>,
  dense: TimedRun,
  pruned: TimedRun,
): Record<'dense' | 'pruned', ShownRun> {
  return useMemo(() => {
    const longest = Math.max(dense.ms ?? 0, pruned.ms ?? 0)
    const shown = ({ tokens, ms }: TimedRun): ShownRun => {
      const clock = computed(() => (ms === undefined ? undefined : Math.min(at.value * longest, ms)))
      return { clock, done: computed(() => layersDone(tokens, (clock.value ?? 1) / (ms ?? 1))) }
    }
    return { dense: shown(dense), pruned: shown(pruned) }
  }, [at, dense.ms, pruned.ms, dense.tokens, pruned.tokens])
}
