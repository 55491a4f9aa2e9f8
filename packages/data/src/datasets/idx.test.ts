import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { testFolder } from '../../test/folder.ts'
import { readIdx, readIdxImages } from './idx.ts'

const { write: file } = testFolder()

function idx(dims: readonly number[], data: readonly number[], type = 8): Buffer {
  const sizes = dims.map((dim) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(dim)
    return bytes
  })
  return Buffer.concat([Buffer.from([0, 0, type, dims.length]), ...sizes, Buffer.from(data)])
}

describe('readIdxImages', () => {
  const images = idx([2, 2, 3], [0, 51, 255, 0, 0, 0, 1, 2, 3, 4, 5, 6])
  const classes = idx([2], [7, 1])

  test.each([
    ['plain', (bytes: Uint8Array) => bytes],
    ['gzipped', (bytes: Uint8Array) => gzipSync(bytes)],
  ])('reads %s files', async (_, pack) => {
    const dataset = await readIdxImages(await file('images', pack(images)), await file('labels', pack(classes)))
    expect(dataset.examples.map(({ label }) => label)).toEqual([7, 1])
    const image = await dataset.examples[0]?.read()
    expect(image).toEqual({ channels: 1, height: 2, width: 3, pixels: Float32Array.of(0, 51 / 255, 1, 0, 0, 0) })
  })

  test('reorders colors into planes', async () => {
    const colored = await file('images', idx([1, 1, 2, 3], [255, 0, 51, 0, 255, 51]))
    const dataset = await readIdxImages(colored, await file('labels', idx([1], [0])))
    const pixels = (await dataset.examples[0]?.read())?.pixels
    expect(pixels).toEqual(Float32Array.of(1, 0, 0, 1, 51 / 255, 51 / 255))
  })

  test('stops at the limit', async () => {
    const paths = [await file('images', images), await file('labels', classes)] as const
    expect((await readIdxImages(...paths, { limit: 1 })).examples).toHaveLength(1)
  })

  test('takes numbers for classes, whatever the model calls them, and refuses unknown ones', async () => {
    const paths = [await file('images', images), await file('labels', classes)] as const
    const labels = ['1', '2', '3', '4', '5', '6', '7', '8']
    expect((await readIdxImages(...paths, { labels })).examples[0]?.label).toBe(7)
    await expect(readIdxImages(...paths, { labels: ['a', 'b'] })).rejects.toMatchObject({
      code: 'TP_DATA',
      message: expect.stringContaining('image 0: has class 7, but the model has 2 classes'),
    })
  })

  test('refuses labels that do not match the images', async () => {
    const three = await file('labels', idx([3], [0, 1, 2]))
    await expect(readIdxImages(await file('images', images), three)).rejects.toThrow('has labels [3] for 2 images')
    await expect(readIdxImages(three, three)).rejects.toThrow('has 1 axes; images have 3 or 4')
  })
})

describe('readIdx', () => {
  test.each([
    ['cut off', idx([4], [1, 2, 3]), 'says 4 bytes but holds 3'],
    ['cut off in the sizes', idx([4], []).subarray(0, 6), 'is not an IDX file'],
    ['empty', Buffer.alloc(0), 'is not an IDX file'],
    ['something else', Buffer.from('hello world'), 'is not an IDX file'],
    ['of floats', idx([1], [0, 0, 0, 0], 0x0d), 'holds IDX type 0xd'],
    ['a cut-off gzip', gzipSync(idx([4], [1, 2, 3, 4])).subarray(0, 20), 'cannot be unzipped'],
  ])('says when a file is %s', async (_, content, message) => {
    const path = await file('broken', content)
    await expect(readIdx(path)).rejects.toMatchObject({ code: 'TP_DATA', message: expect.stringContaining(message) })
  })
})
