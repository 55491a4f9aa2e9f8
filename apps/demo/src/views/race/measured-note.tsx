import { median } from '@tp/core/statistics'
import type { JSX } from 'preact'
import type { RunTimes } from '../../engine/timing.ts'
import { speedOf } from '../figures/judgment.ts'
import { WATCHED_MS } from './playback.ts'

export interface MeasuredNoteProps {
  readonly times: RunTimes
  /** Hidden while they are those of before. */
  readonly visibility: 'visible' | 'hidden'
}

/** How sure the factor is, and how it came about. */
export function MeasuredNote({ times, visibility }: MeasuredNoteProps): JSX.Element {
  const { low, high, rounds } = speedOf(times)
  const slowed = rounded(WATCHED_MS / Math.max(median(times.dense), median(times.pruned)))
  return (
    <p class="note measured" style={{ visibility }}>
      {`95 % interval ${low.toFixed(2)}× … ${high.toFixed(2)}×: ${rounds} runs of each, in turn, on your device, one thread. `}
      {slowed > 1 && `Shown ${slowed} times slower.`}
    </p>
  )
}

/** To two digits. */
function rounded(factor: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(factor)) - 1)
  return Math.round(factor / step) * step
}
