import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { knownError } from './known-error.ts'

const folder = mkdtempSync(join(tmpdir(), 'tp-damaged-'))
afterAll(() => rmSync(folder, { recursive: true }))

function thrown(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

test('says which file of a package is damaged', () => {
  const path = join(folder, 'damaged.cjs')
  writeFileSync(path, 'module.exports = ;')
  const error = knownError(thrown(() => createRequire(import.meta.url)(path)))
  expect(error).toMatchObject({ code: 'TP_INSTALL', message: expect.stringContaining(`${path} cannot be loaded`) })
})

test('leaves the error of a parser at run time as a bug', () => {
  expect(knownError(thrown(() => JSON.parse('{')))).not.toHaveProperty('code')
})
