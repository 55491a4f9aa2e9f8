import type { Sharp } from 'sharp'
import type { ImageFraming, ImageShape } from './dataset.ts'
import { type Pixels, resample } from './resample.ts'

type Size = Pick<ImageShape, 'height' | 'width'>

/** An image that may not have been decoded yet, and its size then. */
interface Decodable extends Size {
  readonly image: Sharp
}

/** Cameras have up to 61 million. Some files have to be held whole, in eight bytes a pixel. */
export const MOST_PIXELS = 64_000_000

/** sharp, as it opens bytes. */
type Open = (pixels: Pixels) => Sharp

/** Resized, its center taken, and squeezed where that is not the size that the model takes, if it takes no other. */
export async function framed(
  open: Open,
  source: Decodable,
  size: Size | undefined,
  { resize, crop, kernel }: ImageFraming,
): Promise<Pixels> {
  const whole = resize === undefined ? source : 'shortestEdge' in resize ? inProportion(source, resize) : resize
  if (crop === undefined) return await resized(source, size ?? whole, kernel)
  const center = centered(await resized(source, whole, kernel), crop)
  return size === undefined ? center : await resized({ ...crop, image: open(center) }, size, kernel)
}

export async function decoded(image: Sharp): Promise<Pixels> {
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true })
  const { width, height, channels } = info
  return { data, width, height, channels }
}

/** As transformers computes it: the longer side is rounded down. @throws Error for a line that becomes an endless strip */
function inProportion({ height, width }: Size, { shortestEdge }: { readonly shortestEdge: number }): Size {
  const longer = Math.trunc((shortestEdge * Math.max(height, width)) / Math.min(height, width))
  if (longer * shortestEdge > MOST_PIXELS)
    throw new Error(`${width} × ${height} pixels, with a shorter side of ${shortestEdge}, are too many`)
  return width <= height ? { height: longer, width: shortestEdge } : { height: shortestEdge, width: longer }
}

/** Kernels that sharp does not have. */
const ownKernels: readonly ImageFraming['kernel'][] = ['box', 'hamming']

async function resized(
  { image, ...from }: Decodable,
  { height, width }: Size,
  kernel: ImageFraming['kernel'],
): Promise<Pixels> {
  if (height === from.height && width === from.width) return await decoded(image)
  const isEnlarged = height > from.height || width > from.width
  if (kernel !== undefined && (isEnlarged || ownKernels.includes(kernel)))
    return resample(await decoded(image), { height, width }, kernel)
  return await decoded(image.resize(width, height, { fit: 'fill', ...(kernel && { kernel: kernel as 'cubic' }) }))
}

/** The middle of an image, in black where it is smaller, as transformers takes it. */
function centered({ data, height, width, channels }: Pixels, crop: Size): Pixels {
  const [top, left] = [Math.floor((height - crop.height) / 2), Math.floor((width - crop.width) / 2)]
  const [from, to] = [Math.max(0, left), Math.min(width, left + crop.width)]
  const center = new Uint8Array(crop.height * crop.width * channels)
  for (let row = Math.max(0, top); row < Math.min(height, top + crop.height); row++) {
    const line = data.subarray((row * width + from) * channels, (row * width + to) * channels)
    center.set(line, ((row - top) * crop.width + from - left) * channels)
  }
  return { data: center, ...crop, channels }
}
