import { open } from 'node:fs/promises'
import { extname } from 'node:path'
import { TpError } from '@tp/core'
import type { Sharp } from 'sharp'
import { readBytes } from '../read-bytes.ts'
import type { ImageDataset, ImageFraming, ImageShape, RawImage } from './dataset.ts'
import { planar } from './idx.ts'
import { decoded, framed, MOST_PIXELS } from './image-framing.ts'
import { labelFiles } from './labeled-files.ts'
import type { LabeledOptions } from './labels.ts'
import type { Pixels } from './resample.ts'
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
  const open = ({ data, ...raw }: Pixels): Sharp => sharp(data, { raw: { ...raw, channels: raw.channels as 3 } })
  try {
    const image = sharp(path, { limitInputPixels: MOST_PIXELS }).rotate().removeAlpha().toColorspace('srgb')
    const { hasAlpha, autoOrient } = await image.metadata()
    // Transparency is left out, as transformers does it. Pixels that are mixed when an image is resized must not be weighed by it.
    const source = hasAlpha ? { ...autoOrient, image: open(await decoded(image)) } : { ...autoOrient, image }
    const { data, channels, height, width } = await framed(open, source, shape, framing)
    if (shape?.channels === 1) return { channels: 1, height, width, pixels: planar(gray(data), 1) }
    return { channels, height, width, pixels: planar(data, channels) }
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0]?.replace(path, '').slice(0, 200)
    throw dataError(path, `cannot be read as an image (${reason})`, cause)
  }
}

/** The luma of colors (ITU-R 601), in the integers that Pillow computes it in. */
function gray(colors: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: colors.length / 3 }, (_, i) => {
    const [red, green, blue] = colors.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number]
    return (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
  })
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
