import { TpError } from '@tp/core'
import { readBytes } from '../read-bytes.ts'
import { type ImageDataset, UNLABELED } from './dataset.ts'
import type { LabeledOptions } from './labels.ts'
import { unzipped } from './unzipped.ts'

/** A million images of 28 × 28. */
const MOST_BYTES = 768 * 2 ** 20

/** An IDX array of unsigned bytes, MNIST's format: two zero bytes, type, number of axes, sizes as big-endian int32. */
export interface IdxArray {
  readonly dims: readonly number[]
  readonly data: Uint8Array
}

/** Reads an IDX file of unsigned bytes, gzipped or not. */
export async function readIdx(path: string): Promise<IdxArray> {
  const bytes = unzipped(path, await readBytes(path, { code: 'TP_DATA', mostBytes: MOST_BYTES }), MOST_BYTES)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const rank = bytes[3] ?? 0
  if (bytes.length < 4 + 4 * rank || rank === 0 || view.getUint16(0) !== 0) {
    throw new TpError('TP_DATA', 'data', `${path}: is not an IDX file`)
  }
  if (bytes[2] !== 0x08) {
    throw new TpError(
      'TP_DATA',
      'data',
      `${path}: holds IDX type 0x${bytes[2]?.toString(16)}; only bytes (0x8) are read`,
    )
  }
  const dims = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  const data = bytes.subarray(4 + 4 * rank)
  const size = dims.reduce((product, dim) => product * dim, 1)
  if (data.length !== size) {
    throw new TpError(
      'TP_DATA',
      'data',
      `${path}: says ${dims.join(' × ')} bytes but holds ${data.length}; is it cut off?`,
    )
  }
  return { dims, data }
}

/**
 * Images [count, height, width] (or [count, height, width, channels]) and labels [count] from two IDX files.
 * @param labelsPath undefined for images without labels
 */
export async function readIdxImages(
  imagesPath: string,
  labelsPath: string | undefined,
  { labels, limit }: LabeledOptions = {},
): Promise<ImageDataset> {
  const images = await readIdx(imagesPath)
  const classes = labelsPath === undefined ? undefined : await readIdx(labelsPath)
  const [count = 0, height = 0, width = 0, channels = 1] = images.dims
  if (images.dims.length < 3 || images.dims.length > 4) {
    throw new TpError('TP_DATA', 'data', `${imagesPath}: has ${images.dims.length} axes; images have 3 or 4`)
  }
  if (classes !== undefined && (classes.dims.length !== 1 || classes.dims[0] !== count)) {
    throw new TpError('TP_DATA', 'data', `${labelsPath}: has labels [${classes.dims}] for ${count} images`)
  }
  const size = height * width * channels
  const examples = Array.from({ length: Math.min(count, limit ?? count) }, (_, i) => {
    const source = `${imagesPath}, image ${i}`
    const label = classes === undefined ? UNLABELED : (classes.data[i] as number)
    if (labels !== undefined && label >= labels.length) {
      throw new TpError('TP_DATA', 'data', `${source}: has class ${label}, but the model has ${labels.length} classes`)
    }
    return {
      label,
      source,
      read: () => ({
        channels,
        height,
        width,
        pixels: planar(images.data.subarray(i * size, (i + 1) * size), channels),
      }),
    }
  })
  if (examples.length === 0) throw new TpError('TP_DATA', 'data', `${imagesPath}: holds no images`)
  return { modality: 'image', source: imagesPath, examples }
}

/** Bytes [height, width, channels] to brightness 0…1 [channels, height, width]. */
export function planar(bytes: Uint8Array, channels: number): Float32Array {
  const area = bytes.length / channels
  const pixels = new Float32Array(bytes.length)
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < channels; c++) pixels[c * area + i] = (bytes[i * channels + c] as number) / 255
  }
  return pixels
}
