import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { filesUnder, labelFiles } from './labeled-files.ts'

test('follows links to files and folders, but none around in a circle', async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'tp-links-')))
  try {
    const [data, elsewhere] = [join(folder, 'data'), join(folder, 'elsewhere')]
    await mkdir(join(data, 'cat', '.old'), { recursive: true })
    await mkdir(elsewhere)
    for (const path of [join(data, 'cat', '1.png'), join(data, 'cat', '.hidden.png'), join(elsewhere, '2.png')])
      await writeFile(path, '')
    await writeFile(join(data, 'cat', '.old', '3.png'), '')
    await symlink(join(elsewhere, '2.png'), join(data, 'cat', '2.png'))
    await symlink(elsewhere, join(data, 'dog'))
    await symlink(data, join(data, 'dog-and-cat'))
    await symlink(join(folder, 'nothing.png'), join(data, 'nothing.png'))
    const found = await filesUnder(data)
    const files = ['cat/.old/3.png', 'cat/1.png', 'cat/2.png', 'dog/2.png', 'nothing.png']
    expect(found.map((path) => relative(data, path))).toEqual(files)
  } finally {
    await rm(folder, { recursive: true })
  }
})

const labels = ['cat', 'dog']
const labelsOf = (files: readonly string[], names?: readonly string[]) =>
  labelFiles(
    '/data',
    files.map((file) => `/data/${file}`),
    { labels: names },
  ).map(({ label }) => label)

test('the class is the folder, or the beginning of a name, whichever the model knows', () => {
  expect(labelsOf(['cat/img__1.png', 'dog__2.png'], labels)).toEqual([0, 1])
  expect(labelsOf(['tom/dog__1.png', 'cat__2.png'], labels)).toEqual([1, 0])
  expect(labelsOf(['dog/dog__1.png', 'dog/CAT-dog.png'], labels)).toEqual([1, 1])
  expect(labelsOf(['3/scan__9.png'])).toEqual([3])
})

test('refuses a name and a folder of two classes', () => {
  expect(() => labelsOf(['cat/dog__1.png'], labels)).toThrow(
    'has the label "dog" by its name and "cat" by its folder; rename one of them',
  )
  expect(() => labelsOf(['tom/img__1.png'], labels)).toThrow('unknown label "img"')
})
