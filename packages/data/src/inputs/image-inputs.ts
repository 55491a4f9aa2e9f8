import { TpError } from '@tp/core'
import type { ValueInfo } from '@tp/core/runtime'
import type { ImageDataset, ImageFraming, ImageShape, RawImage } from '../datasets/dataset.ts'
import { contentOf } from '../datasets/example-content.ts'
import { fixedSize, type ModelInputs, onlyInput } from './model-inputs.ts'
import { measureNormalization, type Normalization } from './normalization.ts'

export interface ImageOptions {
  /** Default: the mean and deviation of the data themselves, which is near that of training if the data are alike. */
  readonly normalization?: Normalization | undefined
  /** Size, if neither the model's nor that of the framing is fixed (default: that of the images). */
  readonly size?: { readonly height: number; readonly width: number } | undefined
  /** How images from files are brought to that size. */
  readonly framing?: ImageFraming | undefined
}

/** Images as [batch, channels, height, width] float32, read when a batch needs them. */
export async function imageInputs(
  dataset: ImageDataset,
  inputs: readonly ValueInfo[],
  options: ImageOptions = {},
): Promise<ModelInputs> {
  const input = onlyInput(inputs, 'images')
  if (input.dims.length !== 4 || input.type !== 'float32' || isChannelsLast(input)) {
    const seen = `input "${input.name}", ${input.type} [${input.dims.join(', ')}],`
    throw new TpError('TP_INPUT', 'data', `${seen} is not float32 [batch, channels, height, width]`)
  }
  const { normalization, framing } = options
  const size = sizeAfter(framing) ?? options.size
  const fixed = {
    // As many as are normalized, where the model does not say it.
    channels: fixedSize(input, 1) ?? normalization?.mean.length,
    height: fixedSize(input, 2) ?? size?.height,
    width: fixedSize(input, 3) ?? size?.width,
  }
  const { mean, std } = checkNormalization(
    normalization ?? (await measureNormalization(dataset, complete(fixed), framing)),
  )
  return {
    source: dataset.source,
    targets: dataset.examples.map(({ label }) => label),
    lengths: undefined,
    preparationMs: undefined,
    keys: dataset.examples.map(({ source }) => source),
    contents: () => Promise.all(dataset.examples.map(contentOf)),
    normalization: { mean, std },
    notes: normalization === undefined ? [measuredNote(mean, std)] : [],
    async feeds(positions) {
      const batch = positions.map((position) => dataset.examples[position] as ImageDataset['examples'][number])
      const images = await Promise.all(batch.map((example) => example.read(complete(fixed), framing)))
      const shape = { ...(images[0] as RawImage), ...defined(fixed) }
      const size = shape.channels * shape.height * shape.width
      const data = new Float32Array(images.length * size)
      for (const [b, image] of images.entries()) {
        checkShape(image, shape, batch[b] ?? dataset)
        const area = image.height * image.width
        for (let i = 0; i < size; i++) {
          const channel = Math.floor(i / area)
          const centered = (image.pixels[i] as number) - (mean[channel] ?? (mean[0] as number))
          data[b * size + i] = centered / (std[channel] ?? (std[0] as number))
        }
      }
      const dims = [images.length, shape.channels, shape.height, shape.width]
      return { [input.name]: { type: 'float32', dims, data } }
    },
  }
}

/** As TensorFlow has images; no image is as wide as it has colors. */
function isChannelsLast(input: ValueInfo): boolean {
  return (fixedSize(input, 1) ?? 1) > 4 && (fixedSize(input, 3) ?? 5) <= 4
}

/** The size of all images that are framed so, if they have one. */
function sizeAfter({
  resize,
  crop,
}: ImageFraming = {}): { readonly height: number; readonly width: number } | undefined {
  return crop ?? (resize !== undefined && 'height' in resize ? resize : undefined)
}

type PartialShape = { readonly [axis in keyof ImageShape]: number | undefined }

/** Files are read in color where nothing says how many channels they are to have. */
function complete({ channels = 3, height, width }: PartialShape): ImageShape | undefined {
  return height && width ? { channels, height, width } : undefined
}

function defined(shape: PartialShape): Partial<ImageShape> {
  return Object.fromEntries(Object.entries(shape).filter(([, size]) => size !== undefined))
}

function checkShape(image: ImageShape, expected: ImageShape, from: { readonly source: string; bytes?: unknown }): void {
  const text = ({ channels, height, width }: ImageShape): string => `${channels} × ${height} × ${width}`
  if (text(image) === text(expected)) return
  // Only files are resized.
  const advice = from.bytes
    ? '; the size of preprocessor_config.json next to the model would bring all images to one size'
    : ''
  throw new TpError('TP_DATA', 'data', `${from.source}: is ${text(image)}, but ${text(expected)} is needed${advice}`)
}

function measuredNote(mean: readonly number[], std: readonly number[]): string {
  const text = (values: readonly number[]): string => values.map((value) => value.toFixed(4)).join(' ')
  return (
    'the model comes with no preprocessor_config.json and no normalization was given: images are normalized by ' +
    `their own mean ${text(mean)} and standard deviation ${text(std)}`
  )
}

function checkNormalization({ mean, std }: Normalization): Normalization {
  if (mean.length > 0 && std.length > 0 && mean.every(Number.isFinite) && std.every((s) => s > 0)) return { mean, std }
  throw new TpError('TP_OPTION', 'data', `mean [${mean}] and std [${std}] are not numbers with std above 0`)
}
