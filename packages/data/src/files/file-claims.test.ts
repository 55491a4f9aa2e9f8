import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { FileClaims } from './file-claims.ts'

const folder = mkdtempSync(join(tmpdir(), 'tp-claims-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('knows which of its outputs were written, also over files that were there', async () => {
  const [fresh, log, kept, missing] = ['fresh', 'log', 'kept', 'missing'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ]
  for (const path of [log, kept]) writeFileSync(path, 'of an earlier run')
  const files = new FileClaims()
  for (const path of [fresh, log, kept, missing]) await files.writes({ path, what: path })
  expect(await files.written()).toEqual([])
  writeFileSync(fresh, 'new')
  appendFileSync(log, 'one line more')
  expect(await files.written()).toEqual([fresh, log])
  files.wrote('s3://bucket/shards')
  expect(await files.written()).toEqual(['s3://bucket/shards', fresh, log])
})
