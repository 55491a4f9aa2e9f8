import { median } from '@tp/core/statistics'
import type { JSX } from 'preact'
import type { RunTimes } from '../../engine/timing.ts'
import { speedOf } from '../figures/judgment.ts'
import { WATCHED_MS } from './playback.ts'

/** How sure the factor is, and how it came about. */
export function MeasuredNote({ times }: { readonly times: RunTimes }): JSX.Element {
  const { low, high, rounds } = speedOf(times)
  const slowed = rounded(WATCHED_MS / Math.max(median(times.dense), median(times.pruned)))
  return (
    <p class="note measured">
      {`95 % interval ${low.toFixed(2)}× … ${high.toFixed(2)}×: ${rounds} runs of each, in turn, on your device, one thread. `}
      {`Shown ${slowed} times slower.`}
    </p>
  )
}

/** To two digits. */
function rounded(factor: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(factor)) - 1)
  return Math.round(factor / step) * step
}
