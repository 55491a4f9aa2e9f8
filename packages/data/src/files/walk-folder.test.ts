import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { testFolder } from '../../test/folder.ts'
import { type WalkOptions, walkFolder } from './walk-folder.ts'

const { at } = testFolder()
beforeAll(async () => {
  for (const folder of ['data/cat/.old', 'data/Z', 'elsewhere/deep']) mkdirSync(at(folder), { recursive: true })
  const files = ['data/cat/1', 'data/cat/.hidden', 'data/cat/.old/3', 'data/Z/a', 'elsewhere/2', 'elsewhere/deep/4']
  for (const file of files) writeFileSync(at(file), '')
  for (const [from, to] of [
    ['data/cat/2', 'elsewhere/2'],
    ['data/dog', 'elsewhere'],
    ['data/around', 'data'],
    ['elsewhere/back', 'data/cat'],
    ['data/own', 'data/Z'],
    ['data/nothing', 'nowhere'],
  ] as const)
    symlinkSync(at(to), at(from))
  execFileSync('mkfifo', [at('data/cat/pipe')])
  symlinkSync('/dev/null', at('data/device'))
})
async function walked(options?: WalkOptions): Promise<{ files: string[]; skipped: string[] }> {
  const { files, skipped } = await walkFolder(at('data'), options)
  const own = (path: string): string => relative(at('data'), path)
  return { files: files.map(own), skipped: skipped.map(({ path, why }) => `${own(path)} ${why}`).toSorted() }
}

test('follows links to files and folders, none of them around in a circle, and names what it skips', async () => {
  expect(await walked()).toEqual({
    files: ['Z/a', 'cat/1', 'cat/2', 'dog/2', 'dog/back/1', 'dog/back/2', 'dog/deep/4', 'nothing', 'own/a'],
    skipped: ['cat/pipe is a pipe', 'device is a device', 'dog/back/pipe is a pipe'],
  })
})

test('enters hidden folders and passes paths by only if options say so', async () => {
  const { files } = await walked({ hidden: true, except: (path) => path === at('data/dog') })
  expect(files).toEqual(['Z/a', 'cat/.hidden', 'cat/.old/3', 'cat/1', 'cat/2', 'nothing', 'own/a'])
})

test('follows no link out of the folders that it is confined to', async () => {
  expect(await walked({ within: [at('data')] })).toEqual({
    files: ['Z/a', 'cat/1', 'own/a'],
    skipped: [
      `cat/2 is a link that leads out of the folder, to ${at('elsewhere/2')}`,
      'cat/pipe is a pipe',
      'device is a link that leads out of the folder, to /dev/null',
      `dog is a link that leads out of the folder, to ${at('elsewhere')}`,
      'nothing is a link to nothing',
    ],
  })
})

test('refuses a folder that is not there', async () => {
  await expect(walkFolder(at('nowhere'))).rejects.toMatchObject({ code: 'TP_DATA' })
})
