import type { ImageDataset, ImageFraming, ImageShape } from '../datasets/dataset.ts'

/** How brightness x in 0…1 becomes an input, by channel or one for all: (x − mean) / std. */
export interface Normalization {
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

const SAMPLE = 1000

/** Mean and standard deviation by channel over a data set's first 1,000 images. */
export async function measureNormalization(
  dataset: ImageDataset,
  shape: ImageShape | undefined,
  framing?: ImageFraming,
): Promise<Normalization> {
  const sums: number[] = []
  const squares: number[] = []
  let pixelsSeen = 0
  for (const example of dataset.examples.slice(0, SAMPLE)) {
    const { channels, height, width, pixels } = await example.read(shape, framing)
    const area = height * width
    for (let c = 0; c < channels; c++) {
      let sum = 0
      let square = 0
      for (const x of pixels.subarray(c * area, (c + 1) * area)) {
        sum += x
        square += x * x
      }
      sums[c] = (sums[c] ?? 0) + sum
      squares[c] = (squares[c] ?? 0) + square
    }
    pixelsSeen += area
  }
  const mean = sums.map((sum) => sum / pixelsSeen)
  const variance = squares.map((square, c) => square / pixelsSeen - (mean[c] as number) ** 2)
  // images of one color have no deviation to divide by
  return { mean, std: variance.map((value) => (value > 1e-12 ? Math.sqrt(value) : 1)) }
}
