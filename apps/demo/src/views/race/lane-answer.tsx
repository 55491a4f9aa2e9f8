import type { JSX } from 'preact'
import type { Said } from '../figures/said.ts'

export interface LaneAnswerProps {
  readonly kind: 'dense' | 'pruned'
  readonly said: Said
  /** Whether the run that is shown has come to its end. */
  readonly isOver: boolean
}

/** The answer of a lane, once it is there. */
export function LaneAnswer({ kind, said, isOver }: LaneAnswerProps): JSX.Element | null {
  const first = said.classes?.[0]
  if (first === undefined) return null
  return (
    <p class={isOver ? 'lane-answer over' : 'lane-answer'} data-testid={`lane-answer-${kind}`}>
      <small class="answer-label">Answer:</small> <b>{first.name}</b> <span>{(100 * first.share).toFixed(1)} %</span>
    </p>
  )
}
