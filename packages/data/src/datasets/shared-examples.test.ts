import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { testFolder } from '../../test/folder.ts'
import { imageDataset, textDataset } from './dataset.ts'
import { openDataset } from './open-dataset.ts'
import { sharedExamples } from './shared-examples.ts'

const { folder } = testFolder()

const texts = (...all: string[]) =>
  textDataset(
    'texts',
    all.map((text, i) => ({ text, label: i % 2 })),
  )

test('finds the same texts in another order, with other labels and in another file', async () => {
  expect(await sharedExamples(texts('a', 'b', 'c'), texts('c', 'x', 'a', 'y'))).toBe(2)
  expect(await sharedExamples(texts('a'), texts('b'))).toBe(0)
})

test('finds the same images in memory by their pixels', async () => {
  const images = (...values: number[]) =>
    imageDataset(
      'images',
      { channels: 1, height: 1, width: 2 },
      values.map((value) => ({ pixels: Float32Array.of(value, 0), label: 0 })),
    )
  expect(await sharedExamples(images(0, 1), images(1, 0.5))).toBe(1)
})

test('finds the same images in folders by the bytes of their files', async () => {
  const image = (r: number) =>
    sharp({ create: { width: 2, height: 2, channels: 3, background: { r, g: 0, b: 0 } } })
      .png()
      .toBuffer()
  const files = { 'one/0/a.png': 0, 'one/0/b.png': 9, 'two/1/other.png': 0, 'two/1/new.png': 5 }
  for (const [name, color] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), await image(color))
  }
  const [one, two] = [await openDataset(join(folder, 'one')), await openDataset(join(folder, 'two'))]
  expect(await sharedExamples(one, two)).toBe(1)
})
