import type { ImageFraming } from './dataset.ts'

/** An image in bytes [height, width, channels]. */
export interface Pixels {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
  readonly channels: number
}

type Kernel = NonNullable<ImageFraming['kernel']>

/** The weight of a pixel by its distance, in pixels of the smaller image, and the distance from which on it is 0. */
interface Weighing {
  readonly reach: number
  weight(distance: number): number
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))

const weighings: Readonly<Record<Exclude<Kernel, 'nearest'>, Weighing>> = {
  box: { reach: 0.5, weight: (x) => Number(x > -0.5 && x <= 0.5) },
  linear: { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { reach: 1, weight: (x) => (Math.abs(x) < 1 ? sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)) : 0) },
  cubic: {
    reach: 2,
    weight(x) {
      const d = Math.abs(x)
      if (d < 1) return (1.5 * d - 2.5) * d * d + 1
      return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0
    },
  },
  lanczos3: { reach: 3, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
}

/**
 * An image in another size as Pillow's `Image.resize` computes it, which transformers resizes with: pixels are areas, whose centers are
 * aligned, and each pass is rounded to bytes. sharp aligns corners where it enlarges, which moves an image of 32 pixels by three of 224.
 */
export function resample(image: Pixels, size: Pick<Pixels, 'width' | 'height'>, kernel: Kernel): Pixels {
  return along(along(image, 'width', size.width, kernel), 'height', size.height, kernel)
}

function along(image: Pixels, axis: 'width' | 'height', size: number, kernel: Kernel): Pixels {
  const { data, width, channels, [axis]: from } = image
  if (from === size) return image
  const step = axis === 'width' ? channels : width * channels
  const sources = Array.from({ length: size }, (_, to) => sourceOf(to, from / size, from, kernel))
  const resized = new Uint8ClampedArray((data.length / from) * size)
  for (let line = 0; line < data.length / (from * step); line++) {
    for (const [to, { first, weights }] of sources.entries()) {
      for (let i = 0; i < step; i++) {
        const start = (line * from + first) * step + i
        let sum = 0.5
        for (let tap = 0; tap < weights.length; tap++) sum += weights[tap]! * data[start + tap * step]!
        resized[(line * size + to) * step + i] = Math.floor(sum)
      }
    }
  }
  return { ...image, [axis]: size, data: new Uint8Array(resized.buffer) }
}

/** The pixels of a line that one of another line is made of: weights, which add up to 1, from the first on. */
function sourceOf(to: number, scale: number, from: number, kernel: Kernel): { first: number; weights: number[] } {
  const center = (to + 0.5) * scale
  if (kernel === 'nearest') return { first: Math.floor(center), weights: [1] }
  const { reach, weight } = weighings[kernel]
  const spread = Math.max(1, scale)
  const first = Math.max(0, Math.trunc(center - reach * spread + 0.5))
  const end = Math.min(from, Math.trunc(center + reach * spread + 0.5))
  const weights = Array.from({ length: end - first }, (_, i) => weight((first + i - center + 0.5) / spread))
  const sum = weights.reduce((total, own) => total + own, 0)
  return { first, weights: weights.map((own) => own / sum) }
}
