import type { ReadonlySignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'

export interface LaneProps {
  readonly kind: 'dense' | 'pruned'
  readonly title: string
  /** The time on its clock, in ms; undefined: not timed yet. */
  readonly clock: ReadonlySignal<number | undefined>
  /** Announcement of a whole run, for ears, which do not want a running clock. */
  readonly ms: number | undefined
  /** Its layers and its input. */
  readonly children: ComponentChildren
}

/** One of the two models at work. */
export function Lane({ kind, title, clock, ms, children }: LaneProps): JSX.Element {
  return (
    <section class={`lane ${kind}`} aria-labelledby={`lane-${kind}`}>
      <h2 id={`lane-${kind}`}>{title}</h2>
      <Clock clock={clock} />
      {ms !== undefined && <p class="hidden">{`A run takes ${ms.toFixed(1)} ms.`}</p>}
      {children}
    </section>
  )
}

/** A component of its own, so that nothing else is drawn again as it runs. */
function Clock({ clock }: Pick<LaneProps, 'clock'>): JSX.Element {
  return (
    <p class="clock" aria-hidden="true">
      {clock.value === undefined ? '–' : clock.value.toFixed(1)} <small>ms</small>
    </p>
  )
}
