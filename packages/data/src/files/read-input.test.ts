import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { testFolder } from '../../test/folder.ts'
import { readInput } from './read-input.ts'

const { folder } = testFolder()
beforeAll(async () => {
  writeFileSync(join(folder, 'file'), 'contents')
  writeFileSync(join(folder, 'large'), '')
  truncateSync(join(folder, 'large'), 100 * 2 ** 30)
  mkdirSync(join(folder, 'folder'))
  spawnSync('mkfifo', [join(folder, 'pipe')])
})
const about = { code: 'TP_PLAN', advice: 'give the path of a plan' } as const
const read = (name: string, more: object = {}): Promise<Uint8Array> =>
  readInput(name.startsWith('/') ? name : join(folder, name), { ...about, ...more })

test.each([
  ['missing', 'TP_PLAN', /missing cannot be read: there is no such file; give the path of a plan/],
  ['file/below', 'TP_PLAN', /there is no such file/],
  ['folder', 'TP_PLAN', /it is a folder/],
  ['pipe', 'TP_PLAN', /it is not a regular file/],
  ['/dev/zero', 'TP_PLAN', /it is not a regular file/],
  ['large', 'TP_TOO_LARGE', /has 100\.0 GiB, and at most 2\.0 GiB are read/],
])('refuses %s', async (name, code, message) => {
  await expect(read(name)).rejects.toEqual(expect.objectContaining({ code, message: expect.stringMatching(message) }))
})

test('reads a growing file up to its size when it was opened, and up to the limit', async () => {
  const path = join(folder, 'growing')
  writeFileSync(path, 'x'.repeat(2 ** 21))
  const begins = (): void => appendFileSync(path, 'y'.repeat(2 ** 21))
  expect((await read('growing', { begins })).every((byte) => byte === 'x'.charCodeAt(0))).toBe(true)
  await expect(read('growing', { most: 2 ** 21 })).rejects.toEqual(expect.objectContaining({ code: 'TP_TOO_LARGE' }))
})

test('refuses a file that becomes shorter while it is read', async () => {
  const path = join(folder, 'shrinking')
  writeFileSync(path, 'x'.repeat(2 ** 21))
  await expect(read('shrinking', { begins: () => truncateSync(path, 10) })).rejects.toThrow(/became shorter/)
})
