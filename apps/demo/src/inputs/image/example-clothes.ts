import type { InputImage } from '../content.ts'
import { photoImage } from './photo-image.ts'

/** Pieces of clothing to begin with, drawn for this page: outlines in a square of 28. */
const outlines: readonly { readonly title: string; readonly path: string }[] = [
  {
    title: 'A T-shirt',
    path: 'M10 2 Q14 5 18 2 L25 6 L27 13 L22 14 L21 11 L21 26 L7 26 L7 11 L6 14 L1 13 L3 6 Z',
  },
  { title: 'Trousers', path: 'M9 1 L19 1 L21 27 L15.5 27 L14 9 L12.5 27 L7 27 Z' },
  { title: 'A bag', path: 'M2 11 L26 11 L25 25 L3 25 Z M8 11 Q8 3 14 3 Q20 3 20 11 L18 11 Q18 5 14 5 Q10 5 10 11 Z' },
  { title: 'A boot', path: 'M8 2 L18 2 L18 15 Q24 17 27 21 L27 25 L14 25 L12 23 L10 25 L8 25 Z' },
  { title: 'A dress', path: 'M11 1 L12 4 Q14 6 16 4 L17 1 L18 8 L17 12 L21 27 L7 27 L11 12 L10 8 Z' },
]

const SIDE = 28
const SCALE = 8

export const exampleClothes: readonly { readonly title: string; readonly image: InputImage }[] = outlines.map(
  ({ title, path }) => ({ title, image: draw(path) }),
)

function draw(path: string): InputImage {
  const canvas = new OffscreenCanvas(SIDE * SCALE, SIDE * SCALE)
  const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.scale(SCALE, SCALE)
  const shade = context.createLinearGradient(0, 0, SIDE, SIDE)
  for (const [at, gray] of [190, 235, 170, 215].entries()) shade.addColorStop(at / 3, `rgb(${gray} ${gray} ${gray})`)
  context.fillStyle = shade
  context.fill(new Path2D(path))
  return photoImage(canvas, { channels: 1, height: SIDE, width: SIDE })
}
