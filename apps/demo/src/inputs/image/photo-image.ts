import type { InputImage } from '../content.ts'

export interface PhotoShape {
  readonly channels: number
  readonly height: number
  readonly width: number
}

/** Shares of red, green and blue in what eyes see as brightness. */
const LUMA = [0.299, 0.587, 0.114] as const

/** An image squeezed to the size that a model takes, gray if it has one channel. */
export function photoImage(source: CanvasImageSource, { channels, height, width }: PhotoShape): InputImage {
  const context = new OffscreenCanvas(width, height).getContext('2d') as OffscreenCanvasRenderingContext2D
  context.imageSmoothingQuality = 'high'
  context.drawImage(source, 0, 0, width, height)
  const { data } = context.getImageData(0, 0, width, height)
  const area = width * height
  const pixels = new Float32Array(channels * area)
  for (let i = 0; i < area; i++) {
    const color = [0, 1, 2].map((c) => (data[4 * i + c] as number) / 255)
    if (channels === 1) pixels[i] = LUMA.reduce((sum, share, c) => sum + share * (color[c] as number), 0)
    else for (let c = 0; c < channels; c++) pixels[c * area + i] = color[c] ?? 0
  }
  return { channels, height, width, pixels }
}

/** Turns dark on bright into bright on black, judged by the border; for models that know nothing else. */
export function brightOnBlack(image: InputImage): InputImage {
  const { height, width, pixels } = image
  let [sum, count] = [0, 0]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (x > 0 && y > 0 && x < width - 1 && y < height - 1) continue
      sum += pixels[y * width + x] as number
      count += 1
    }
  }
  return sum / count > 0.5 ? { ...image, pixels: pixels.map((brightness) => 1 - brightness) } : image
}
