import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { InputImage } from '../content.ts'

/** An image at its own size; style sheets scale it. */
export function ImageCanvas({ image }: { readonly image: InputImage }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    if (canvas.current !== null) draw(canvas.current, image)
  }, [image])
  return <canvas ref={canvas} />
}

function draw(canvas: HTMLCanvasElement, { channels, height, width, pixels }: InputImage): void {
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
