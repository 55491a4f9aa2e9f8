import { open } from 'node:fs/promises'
import { extname } from 'node:path'
import { TpError } from '@tp/core'
import type { Sharp } from 'sharp'
import { readBytes } from '../read-bytes.ts'
import type { ImageDataset, ImageFraming, ImageShape, RawImage } from './dataset.ts'
import { planar } from './idx.ts'
import { labelFiles } from './labeled-files.ts'
import type { LabeledOptions } from './labels.ts'
import { dataError } from './table/data-error.ts'

const ENDINGS: readonly string[] = ['.png', '.jpg', '.jpeg', '.webp', '.gif', '.avif', '.tif', '.tiff']

export function isImageFile(path: string): boolean {
  return ENDINGS.includes(extname(path).toLowerCase())
}

/** Images in sub-folders named by label. They are decoded when they are read, so that a large folder fits in memory. */
export function imageFolder(folder: string, files: readonly string[], options: LabeledOptions = {}): ImageDataset {
  const examples = labelFiles(folder, files, options).map(({ path, label }) => ({
    label,
    source: path,
    read: (shape?: ImageShape, framing?: ImageFraming) => decodeImage(path, shape, framing),
    bytes: () => readBytes(path, { code: 'TP_DATA', mostBytes: MOST_BYTES }),
  }))
  return { modality: 'image', source: folder, examples }
}

/**
 * Decodes an image; with a shape it is framed and squeezed to that size, and made gray or colored as `channels` asks for.
 * @throws TpError TP_DATA; TP_PEER where sharp is not installed
 */
async function decodeImage(path: string, shape: ImageShape | undefined, framing: ImageFraming = {}): Promise<RawImage> {
  await checkKind(path)
  const sharp = await imageReader()
  try {
    let image = sharp(path, { limitInputPixels: MOST_PIXELS }).rotate().flatten({ background: 'white' })
    if (shape !== undefined) image = await framed(sharp, image, shape, framing)
    image = image.toColorspace(shape?.channels === 1 ? 'b-w' : 'srgb')
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true })
    const { channels, height, width } = info
    return { channels, height, width, pixels: planar(data, channels) }
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0]?.replace(path, '').slice(0, 200)
    throw dataError(path, `cannot be read as an image (${reason})`, cause)
  }
}

/** Resized, its center taken, and squeezed where that is not the shape that the model takes. */
async function framed(
  sharp: Awaited<ReturnType<typeof imageReader>>,
  image: Sharp,
  { height, width }: ImageShape,
  { resize, crop, kernel }: ImageFraming,
): Promise<Sharp> {
  const how = { ...(kernel && { kernel }) }
  if (crop === undefined) return image.resize(width, height, { fit: 'fill', ...how })
  const resized =
    resize === undefined
      ? image
      : 'shortestEdge' in resize
        ? image.resize(resize.shortestEdge, resize.shortestEdge, { fit: 'outside', ...how })
        : image.resize(resize.width, resize.height, { fit: 'fill', ...how })
  const { data, info } = await resized.raw().toBuffer({ resolveWithObject: true })
  const { channels } = info
  const size = { width: Math.min(crop.width, info.width), height: Math.min(crop.height, info.height) }
  const [left, top] = [Math.floor((info.width - size.width) / 2), Math.floor((info.height - size.height) / 2)]
  const center = sharp(data, { raw: { width: info.width, height: info.height, channels } }).extract({
    left,
    top,
    ...size,
  })
  return size.width === width && size.height === height ? center : center.resize(width, height, { fit: 'fill', ...how })
}

async function imageReader(): Promise<typeof import('sharp')['default']> {
  try {
    return (await import('sharp')).default
  } catch (cause) {
    throw new TpError('TP_PEER', 'data', 'install sharp next to @tp/data: it decodes images', { cause })
  }
}

/** More than an uncompressed image with the largest allowed number of pixels has. */
const MOST_BYTES = 512 * 2 ** 20

/** Cameras have up to 61 million. Some files have to be held whole, in eight bytes a pixel. */
const MOST_PIXELS = 64_000_000

/** How files of the kinds that are read begin, as Latin-1. */
const BEGINNINGS: readonly RegExp[] = [
  /^\x89PNG\r\n/,
  /^\xff\xd8\xff/,
  /^RIFF.{4}WEBP/s,
  /^GIF8/,
  /^.{4}ftyp/s,
  /^(?:II[*+]\0|MM\0[*+])/,
]

/**
 * Files are not passed to readers of other kinds, whatever their names: an SVG may name files of its own.
 * @throws TpError TP_DATA
 */
async function checkKind(path: string): Promise<void> {
  const file = await open(path).catch((cause: unknown) => {
    throw dataError(path, 'there is no such file that can be read', cause)
  })
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0)
    const beginning = buffer.toString('latin1', 0, bytesRead)
    if (BEGINNINGS.some((own) => own.test(beginning))) return
  } finally {
    await file.close()
  }
  throw dataError(
    path,
    'cannot be read as an image: it is not a PNG, JPEG, WebP, GIF, AVIF or TIFF file, whatever its name',
  )
}
