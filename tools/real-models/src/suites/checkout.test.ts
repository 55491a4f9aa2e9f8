import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { checkOut } from './checkout.ts'
import { asTheyAre } from './convert.ts'
import { suiteNames, suites } from './published.ts'

const never = new AbortController().signal
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-suites-'))
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

test('checks the files of a commit out of a clone, and no others', async () => {
  const clone = join(folder, 'clones', 'some+data')
  await mkdir(join(clone, 'rows'), { recursive: true })
  const git = (...args: string[]) => execFileSync('git', ['-C', clone, ...args], { encoding: 'utf8' }).trim()
  git('init', '--quiet')
  for (const name of ['a.csv', 'b.csv', 'c.txt']) await writeFile(join(clone, 'rows', name), name)
  git('add', '.')
  git('-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '--quiet', '-m', 'rows')
  const commit = git('rev-parse', 'HEAD')
  await writeFile(join(clone, 'rows', 'a.csv'), 'changed since')
  vi.stubEnv('TP_CLONES', join(folder, 'clones'))
  const suite = { what: '', license: '', repository: 'some/data', commit, paths: ['rows/*.csv'], convert: asTheyAre }
  await checkOut(suite, join(folder, 'unused'), join(folder, 'out'), never)
  expect(await readdir(join(folder, 'out', 'rows'))).toEqual(['a.csv', 'b.csv'])
  expect(git('show', 'HEAD:rows/a.csv')).toBe('a.csv')
  await expect(
    checkOut({ ...suite, commit: '0'.repeat(40) }, join(folder, 'unused'), join(folder, 'other'), never),
  ).rejects.toThrow('checking some/data out failed')
})

test.each(suiteNames)('pins the commit of %s', (name) => {
  const { repository, commit, paths, license } = suites[name]
  expect(repository).toMatch(/^[\w.-]+\/[\w.-]+$/)
  expect(commit).toMatch(/^[0-9a-f]{40}$/)
  expect(paths.length).toBeGreaterThan(0)
  expect(license).not.toBe('')
})
