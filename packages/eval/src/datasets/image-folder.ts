import { extname } from 'node:path'
import { TpError } from '@tp/core'
import type { ImageDataset, Picture, PictureShape } from './dataset.ts'
import { planar } from './idx.ts'
import { labelFiles } from './labelled-files.ts'
import type { LabelledOptions } from './labels.ts'

const ENDINGS: readonly string[] = ['.png', '.jpg', '.jpeg', '.webp', '.gif', '.avif', '.tif', '.tiff']

export function isImageFile(path: string): boolean {
  return ENDINGS.includes(extname(path).toLowerCase())
}

/** Pictures in sub-folders named by label. They are decoded when they are read, so that a large folder fits in memory. */
export function imageFolder(folder: string, files: readonly string[], options: LabelledOptions = {}): ImageDataset {
  const examples = labelFiles(folder, files, options).map(({ path, label }) => ({
    label,
    source: path,
    read: (shape?: PictureShape) => decodePicture(path, shape),
  }))
  return { modality: 'image', source: folder, examples }
}

/** Decodes a picture; with a shape it is squeezed to that size, and made grey or coloured as `channels` asks for. */
async function decodePicture(path: string, shape: PictureShape | undefined): Promise<Picture> {
  const { default: sharp } = await import('sharp')
  try {
    let picture = sharp(path).rotate().flatten({ background: 'white' })
    if (shape !== undefined) picture = picture.resize(shape.width, shape.height, { fit: 'fill' })
    picture = picture.toColourspace(shape?.channels === 1 ? 'b-w' : 'srgb')
    const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true })
    const { channels, height, width } = info
    return { channels, height, width, pixels: planar(data, channels) }
  } catch (cause) {
    throw new TpError('TP_DATA', 'eval', `${path}: cannot be read as a picture`, { cause })
  }
}
