import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { imageFolder } from './image-folder.ts'

test('takes the center of an image that is resized in proportion, and squeezes it without a framing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tp-framing-'))
  try {
    // White but for a black third on either side.
    const [width, height] = [48, 16]
    const pixels = Buffer.from(
      Array.from({ length: width * height }, (_, i) => (Math.abs((i % width) - 23.5) < 8 ? 255 : 0)),
    )
    const path = join(folder, 'wide.png')
    await sharp(pixels, { raw: { width, height, channels: 1 } })
      .png()
      .toFile(path)
    const [example] = imageFolder(folder, [path], { unlabeled: true }).examples
    const shape = { channels: 1, height: 8, width: 8 }
    const framing = { resize: { shortestEdge: 8 }, crop: { height: 8, width: 8 }, kernel: 'nearest' } as const
    const framed = await example?.read(shape, framing)
    expect([...(framed?.pixels ?? [])].every((brightness) => brightness > 0.9)).toBe(true)
    const squeezed = await example?.read(shape)
    expect(squeezed?.pixels[0]).toBeLessThan(0.1)
    expect(squeezed?.pixels.length).toBe(64)
  } finally {
    await rm(folder, { recursive: true })
  }
})
