import type { Picture } from '../../inputs/content.ts'

/** Shows a picture at its own size; the page scales it. */
export function drawPicture(canvas: HTMLCanvasElement, { channels, height, width, pixels }: Picture): void {
  canvas.width = width
  canvas.height = height
  const image = new ImageData(width, height)
  const area = width * height
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) {
      image.data[4 * i + c] = 255 * (pixels[(channels === 1 ? 0 : c) * area + i] as number)
    }
    image.data[4 * i + 3] = 255
  }
  canvas.getContext('2d')?.putImageData(image, 0, 0)
}
