import type { InputImage } from '../content.ts'

export interface Point {
  /** From 0 to 1, from the left. */
  readonly x: number
  /** From 0 to 1, from the top. */
  readonly y: number
}

/** One movement of the pen. */
export type Stroke = readonly Point[]

const SIDE = 28
/** MNIST's digits fill a square of 20 pixels, with their center of mass in the middle of the image. */
const FILLED = 20
const PEN = 2.4

/** A drawn digit as MNIST has them: bright on black, of one size, centered. */
export function strokesImage(strokes: readonly Stroke[]): InputImage {
  const first = draw(strokes, fitted(strokes.flat()))
  const [x, y] = centerOfMass(first)
  const scale = fitted(strokes.flat())
  const middle = (SIDE - 1) / 2
  const pixels = draw(strokes, { ...scale, left: scale.left + middle - x, top: scale.top + middle - y })
  return { channels: 1, height: SIDE, width: SIDE, pixels }
}

interface Placement {
  readonly scale: number
  readonly left: number
  readonly top: number
}

function fitted(points: readonly Point[]): Placement {
  const xs = points.map(({ x }) => x)
  const ys = points.map(({ y }) => y)
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
  const scale = (FILLED - PEN) / Math.max(right - left, bottom - top, 0.05)
  return {
    scale,
    left: SIDE / 2 - (scale * (left + right)) / 2,
    top: SIDE / 2 - (scale * (top + bottom)) / 2,
  }
}

function draw(strokes: readonly Stroke[], { scale, left, top }: Placement): Float32Array {
  const context = new OffscreenCanvas(SIDE, SIDE).getContext('2d') as OffscreenCanvasRenderingContext2D
  context.fillRect(0, 0, SIDE, SIDE)
  context.strokeStyle = 'white'
  context.lineWidth = PEN
  context.lineCap = 'round'
  context.lineJoin = 'round'
  for (const stroke of strokes) {
    context.beginPath()
    for (const { x, y } of stroke) context.lineTo(left + scale * x, top + scale * y)
    // A dot is a line of no length, which is not drawn.
    const [{ x, y } = { x: 0, y: 0 }] = stroke
    if (stroke.length === 1) context.lineTo(left + scale * x + 0.01, top + scale * y)
    context.stroke()
  }
  const { data } = context.getImageData(0, 0, SIDE, SIDE)
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => (data[4 * i] as number) / 255)
}

function centerOfMass(pixels: Float32Array): [number, number] {
  let [mass, x, y] = [0, 0, 0]
  for (const [i, brightness] of pixels.entries()) {
    mass += brightness
    x += brightness * (i % SIDE)
    y += brightness * Math.floor(i / SIDE)
  }
  return mass === 0 ? [SIDE / 2, SIDE / 2] : [x / mass, y / mass]
}
