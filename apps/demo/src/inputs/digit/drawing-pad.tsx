import type { JSX, TargetedPointerEvent } from 'preact'
import { useRef } from 'preact/hooks'
import type { Point, Stroke } from './strokes.ts'

export interface DrawingPadProps {
  readonly strokes: readonly Stroke[]
  readonly onDraw: (strokes: readonly Stroke[]) => void
}

/** A square to draw in with mouse, finger or pen. */
export function DrawingPad({ strokes, onDraw }: DrawingPadProps): JSX.Element {
  const drawing = useRef(false)

  function pointOf({ currentTarget, clientX, clientY }: TargetedPointerEvent<SVGSVGElement>): Point {
    const { left, top, width, height } = currentTarget.getBoundingClientRect()
    return { x: (clientX - left) / width, y: (clientY - top) / height }
  }

  function onDown(event: TargetedPointerEvent<SVGSVGElement>): void {
    event.currentTarget.setPointerCapture(event.pointerId)
    drawing.current = true
    onDraw([...strokes, [pointOf(event)]])
  }

  function onMove(event: TargetedPointerEvent<SVGSVGElement>): void {
    if (!drawing.current) return
    onDraw([...strokes.slice(0, -1), [...(strokes.at(-1) ?? []), pointOf(event)]])
  }

  return (
    <div class="pad">
      <span>Draw a digit here, with mouse, finger or pen</span>
      <svg
        role="img"
        viewBox="0 0 1 1"
        onPointerDown={onDown}
        onPointerMove={onMove}
        onPointerUp={() => {
          drawing.current = false
        }}
        onPointerCancel={() => {
          drawing.current = false
        }}
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
