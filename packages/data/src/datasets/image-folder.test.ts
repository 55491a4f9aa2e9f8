import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { imageFolder } from './image-folder.ts'

vi.mock('sharp', () => {
  throw new Error("Cannot find package 'sharp'")
})

test('names the package that decodes images where it is not installed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tp-images-'))
  try {
    await writeFile(join(folder, 'cat__1.png'), Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'))
    const [example] = imageFolder(folder, [join(folder, 'cat__1.png')], { labels: ['cat'] }).examples
    await expect(example?.read()).rejects.toMatchObject({
      code: 'TP_PEER',
      message: '[data] install sharp next to @tp/data: it decodes images',
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})
