import { join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { testFolder } from '../../test/folder.ts'
import type { ImageFraming, ImageShape, RawImage } from './dataset.ts'
import { imageFolder } from './image-folder.ts'

const { folder } = testFolder()

interface Drawn {
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3 | 4
  /** Bytes of the pixel in a column. */
  at(column: number): readonly number[]
}

/** Reads an image whose columns are drawn. */
async function read({ width, height, channels, at }: Drawn, shape?: ImageShape, framing?: ImageFraming) {
  const path = join(folder, 'image.png')
  const pixels = Uint8Array.from(Array.from({ length: width * height }, (_, i) => at(i % width)).flat())
  await sharp(pixels, { raw: { width, height, channels } }).png().toFile(path)
  const [example] = imageFolder(folder, [path], { unlabeled: true }).examples
  return (await example?.read(shape, framing)) as RawImage
}

const bytesOf = ({ pixels }: RawImage): number[] => Array.from(pixels, (brightness) => Math.round(255 * brightness))

test('takes the center of an image that is resized in proportion, and squeezes it without a framing', async () => {
  // White but for a black third on either side.
  const image: Drawn = { width: 48, height: 16, channels: 1, at: (x) => [Math.abs(x - 23.5) < 8 ? 255 : 0] }
  const shape = { channels: 1, height: 8, width: 8 }
  const framing = { resize: { shortestEdge: 8 }, crop: { height: 8, width: 8 }, kernel: 'nearest' } as const
  expect(bytesOf(await read(image, shape, framing)).every((byte) => byte > 230)).toBe(true)
  const squeezed = await read(image, shape)
  expect(squeezed.pixels[0]).toBeLessThan(0.1)
  expect(squeezed.pixels.length).toBe(64)
})

test('rounds the longer side down, as transformers does, so that the center is the same', async () => {
  // 3 × 8 / 5 = 4.8 is 4 columns, of which the second and third are the center.
  const image: Drawn = { width: 8, height: 5, channels: 1, at: (x) => [30 * x] }
  const framing = { resize: { shortestEdge: 3 }, crop: { height: 2, width: 2 }, kernel: 'nearest' } as const
  expect(bytesOf(await read(image, { channels: 1, height: 2, width: 2 }, framing))).toEqual([90, 150, 90, 150])
})

test('resizes an image in proportion where the model takes any size', async () => {
  const image: Drawn = { width: 8, height: 5, channels: 3, at: (x) => [30 * x, 0, 0] }
  const { channels, width, height } = await read(image, undefined, { resize: { shortestEdge: 3 }, kernel: 'linear' })
  expect([channels, width, height]).toEqual([3, 4, 3])
})

test('refuses a line of pixels that would become a strip of gigabytes', async () => {
  const image: Drawn = { width: 4000, height: 1, channels: 1, at: () => [0] }
  const framing = { resize: { shortestEdge: 256 }, crop: { height: 224, width: 224 } }
  await expect(read(image, { channels: 3, height: 224, width: 224 }, framing)).rejects.toThrow(
    'cannot be read as an image (4000 × 1 pixels, with a shorter side of 256, are too many)',
  )
})

test('enlarges an image by the centers of its pixels, as Pillow does', async () => {
  const image: Drawn = { width: 2, height: 1, channels: 1, at: (x) => [200 * x] }
  const framing = { resize: { height: 1, width: 4 }, kernel: 'linear' } as const
  expect(bytesOf(await read(image, { channels: 1, height: 1, width: 4 }, framing))).toEqual([0, 50, 150, 200])
})

test('fills up with black where a center is larger than the image', async () => {
  const image: Drawn = { width: 2, height: 1, channels: 1, at: () => [255] }
  const framing = { crop: { height: 1, width: 5 }, kernel: 'linear' } as const
  expect(bytesOf(await read(image, { channels: 1, height: 1, width: 5 }, framing))).toEqual([0, 0, 255, 255, 0])
})

test('leaves transparency out, before and after pixels are mixed', async () => {
  const image: Drawn = { width: 4, height: 1, channels: 4, at: (x) => [100, 50, x < 2 ? 200 : 0, x < 2 ? 0 : 255] }
  const colored = await read(image, { channels: 3, height: 1, width: 4 })
  expect(bytesOf(colored)).toEqual([100, 100, 100, 100, 50, 50, 50, 50, 200, 200, 0, 0])
  const framing = { resize: { height: 1, width: 1 }, kernel: 'linear' } as const
  const reduced = bytesOf(await read(image, { channels: 3, height: 1, width: 1 }, framing))
  expect([reduced.slice(0, 2), Math.abs((reduced[2] as number) - 100) < 2]).toEqual([[100, 50], true])
})

test('makes colors gray by their luma, as Pillow does', async () => {
  const colors = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [10, 200, 90],
  ]
  const image: Drawn = { width: 4, height: 1, channels: 3, at: (x) => colors[x] as number[] }
  expect(bytesOf(await read(image, { channels: 1, height: 1, width: 4 }))).toEqual([76, 150, 29, 131])
})
