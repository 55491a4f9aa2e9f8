import type { JSX, TargetedPointerEvent } from 'preact'
import { useRef } from 'preact/hooks'
import type { Point, Stroke } from './strokes.ts'

export interface DrawingPadProps {
  readonly strokes: readonly Stroke[]
  readonly onDraw: (strokes: readonly Stroke[]) => void
}

/** A square to draw in with mouse, finger or pen. */
export function DrawingPad({ strokes, onDraw }: DrawingPadProps): JSX.Element {
  /** Where the square was when the stroke began, until it ends: answers may move the page under the hand. */
  const square = useRef<DOMRect | undefined>(undefined)

  function onDown(event: TargetedPointerEvent<SVGSVGElement>): void {
    // A second finger, or another button of the mouse.
    if (!event.isPrimary || event.button !== 0) return
    event.currentTarget.setPointerCapture(event.pointerId)
    square.current = event.currentTarget.getBoundingClientRect()
    onDraw([...strokes, [pointIn(square.current, event)]])
  }

  function onMove(event: TargetedPointerEvent<SVGSVGElement>): void {
    if (square.current === undefined || !event.isPrimary) return
    onDraw([...strokes.slice(0, -1), [...(strokes.at(-1) ?? []), pointIn(square.current, event)]])
  }

  function onEnd({ isPrimary }: PointerEvent): void {
    if (isPrimary) square.current = undefined
  }

  return (
    <div class="pad">
      <span>Draw a digit here, with mouse, finger or pen</span>
      <svg
        role="img"
        viewBox="0 0 1 1"
        onPointerDown={onDown}
        onPointerMove={onMove}
        onPointerUp={onEnd}
        onPointerCancel={onEnd}
      >
        <title>Where to draw</title>
        {strokes.map((stroke, i) => (
          <polyline key={i} points={stroke.map(({ x, y }) => `${x},${y}`).join(' ')} />
        ))}
      </svg>
      <button type="button" onClick={() => onDraw([])}>
        Clear
      </button>
    </div>
  )
}

function pointIn({ left, top, width, height }: DOMRect, { clientX, clientY }: PointerEvent): Point {
  return { x: (clientX - left) / width, y: (clientY - top) / height }
}
