import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { UNLABELED } from './dataset.ts'
import { openDataset } from './open-dataset.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-data-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function file(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(folder, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
  return path
}

function png(width: number, height: number, color: { r: number; g: number; b: number }): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: color } })
    .png()
    .toBuffer()
}

describe('openDataset', () => {
  test('opens a TSV file and a folder with one', async () => {
    const path = await file('dev.tsv', '1\tgood\n0\tbad\n')
    for (const place of [path, folder]) {
      const dataset = await openDataset(place)
      expect([dataset.modality, dataset.examples.length]).toEqual(['text', 2])
    }
  })

  test('opens IDX files by their folder or by name', async () => {
    const images = await file(
      't10k-images-idx3-ubyte',
      Buffer.from([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9]),
    )
    expect((await openDataset(folder)).examples[0]?.label).toBe(UNLABELED)
    await file('t10k-labels-idx1-ubyte', Buffer.from([0, 0, 8, 1, 0, 0, 0, 1, 3]))
    for (const place of [images, folder]) {
      const dataset = await openDataset(place)
      expect([dataset.modality, dataset.examples[0]?.label]).toEqual(['image', 3])
    }
    expect((await openDataset(folder, { unlabeled: true })).examples[0]?.label).toBe(UNLABELED)
  })

  test('opens images in folders named by label', async () => {
    await file('cat/1.png', await png(4, 2, { r: 255, g: 0, b: 51 }))
    await file('cat/2.PNG', await png(4, 2, { r: 0, g: 0, b: 0 }))
    await file('dog/a.png', await png(4, 2, { r: 255, g: 255, b: 255 }))
    const dataset = await openDataset(folder, { labels: ['dog', 'cat'] })
    if (dataset.modality !== 'image') throw new Error(dataset.modality)
    expect(dataset.examples.map(({ label }) => label)).toEqual([1, 0, 1])

    const [example] = dataset.examples
    const image = await example?.read()
    expect(image).toMatchObject({ channels: 3, height: 2, width: 4 })
    expect(image?.pixels).toEqual(Float32Array.from([1, 0, 0.2].flatMap((x) => Array(8).fill(x))))
    expect(await example?.read({ channels: 3, height: 1, width: 1 })).toMatchObject({
      pixels: Float32Array.of(1, 0, 51 / 255),
    })
    const gray = await dataset.examples[1]?.read({ channels: 1, height: 3, width: 3 })
    expect(gray?.pixels).toEqual(new Float32Array(9).fill(1))
  })

  test('opens sounds with their label in the name or the folder, and takes classes in turn up to a limit', async () => {
    for (const name of ['no__a.wav', 'no__b.wav', 'no__c.wav', 'yes/d.wav']) await file(name, '')
    const dataset = await openDataset(folder, { labels: ['yes', 'no'], limit: 2 })
    expect(dataset.modality).toBe('audio')
    expect(dataset.examples.map(({ label }) => label).sort()).toEqual([0, 1])
  })

  test('says what is wrong and what to do', async () => {
    await expect(openDataset(join(folder, 'none'))).rejects.toMatchObject({
      code: 'TP_DATA',
      message: expect.stringContaining('there is no such file or folder'),
    })
    await expect(openDataset(folder)).rejects.toThrow('holds no data that can be read. Readable: a table of texts')
    await expect(openDataset(await file('x.parquet', 'PAR1'))).rejects.toThrow('is not a data set that can be read')
    const table = await file('a.tsv', '1\tgood\n')
    await expect(openDataset(table, { modality: 'image' })).rejects.toThrow(
      'holds text data, but the model takes image',
    )
    await expect(openDataset(table, { limit: 0 })).rejects.toMatchObject({ code: 'TP_OPTION' })
    await file('b.tsv', '1\tgood\n')
    await expect(openDataset(folder)).rejects.toThrow('holds 2 tables (a.tsv, b.tsv); give one of them')
    await file('loose.png', await png(1, 1, { r: 0, g: 0, b: 0 }))
    expect((await openDataset(folder)).examples.map(({ label }) => label)).toEqual([UNLABELED])
    await file('0/1.png', await png(1, 1, { r: 0, g: 0, b: 0 }))
    await expect(openDataset(folder)).rejects.toThrow('loose.png: has no label; put it in a folder of its label')
  })

  test('opens images and sounds without labels, and those in any folders with unlabeled', async () => {
    await file('2026/b.png', await png(1, 1, { r: 0, g: 0, b: 0 }))
    await file('2026/c.png', await png(1, 1, { r: 0, g: 0, b: 0 }))
    await file('a.png', await png(1, 1, { r: 0, g: 0, b: 0 }))
    const { examples } = await openDataset(folder, { labels: ['cat'], unlabeled: true, limit: 2 })
    expect(examples.map(({ label, source }) => [label, basename(source)])).toEqual([
      [UNLABELED, 'b.png'],
      [UNLABELED, 'c.png'],
    ])
    await file('sounds/1.wav', '')
    const sounds = await openDataset(join(folder, 'sounds'), { labels: ['yes'] })
    expect([sounds.modality, sounds.examples[0]?.label]).toEqual(['audio', UNLABELED])
  })

  test('takes column names for tables only', async () => {
    await file('0/1.png', await png(1, 1, { r: 0, g: 0, b: 0 }))
    await expect(openDataset(folder, { textColumn: 'text' })).rejects.toMatchObject({ code: 'TP_OPTION' })
  })

  test('names an invalid image when it is read', async () => {
    const path = await file('cat/1.png', 'no image')
    const dataset = await openDataset(folder, { labels: ['cat'] })
    await expect(dataset.examples[0]?.read()).rejects.toMatchObject({
      code: 'TP_DATA',
      message: `[data] ${path}: cannot be read as an image: it is not a PNG, JPEG, WebP, GIF, AVIF or TIFF file, whatever its name`,
    })
  })

  test.each(['png', 'jpeg', 'webp', 'gif', 'avif', 'tiff'] as const)('reads %s', async (kind) => {
    const create = { width: 16, height: 16, channels: 3 as const, background: { r: 255, g: 0, b: 0 } }
    await file(`0/1.${kind}`, await sharp({ create }).toFormat(kind).toBuffer())
    const { examples } = await openDataset(folder)
    const image = await examples[0]?.read({ channels: 3, height: 1, width: 1 })
    expect((image as { pixels: Float32Array }).pixels[0]).toBeGreaterThan(0.9)
  })

  test.each<[string, () => Promise<Uint8Array | string>, RegExp]>([
    ['an SVG, which may name other files', async () => '<svg xmlns="http://www.w3.org/2000/svg"/>', /it is not a PNG/],
    ['nothing', async () => '', /it is not a PNG/],
    [
      'a PNG that is cut off',
      async () => (await png(64, 64, { r: 1, g: 2, b: 3 })).subarray(0, 100),
      /as an image \(\S/,
    ],
    [
      'more pixels than are held',
      async () => {
        const bytes = await png(1, 1, { r: 0, g: 0, b: 0 })
        for (const at of [16, 20]) bytes.writeUInt32BE(16_384, at)
        bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29)
        return bytes
      },
      /as an image \(.*pixel limit/,
    ],
  ])('refuses a file called .png that is %s', async (_, content, message) => {
    await file('0/1.png', await content())
    const { examples } = await openDataset(folder)
    await expect(examples[0]?.read()).rejects.toMatchObject({
      code: 'TP_DATA',
      message: expect.stringMatching(message),
    })
  })
})
