import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ModelInputs, textDataset } from '@tp/data/inputs'
import { nodeRuntime } from '@tp/runtime-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keepMeasurements, type SearchSubject } from './index.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tp-measured-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const examplesOf = (targets: readonly number[]): ModelInputs => ({
  ...{ source: 'examples', targets, lengths: undefined, preparationMs: undefined, notes: [] },
  feeds: async () => ({}),
})
const subject: SearchSubject = { source: 'a hash', examples: examplesOf([0, 1, 1]), device: nodeRuntime() }

test('reads what it has kept for the same subject alone', async () => {
  const path = join(folder, 'plan.json.measured')
  const { known, onMeasured } = await keepMeasurements(path, subject)
  expect(known).toBeUndefined()
  await onMeasured?.({ times: [1, 2] })
  await onMeasured?.({ times: [1, 2, 3] })
  expect((await keepMeasurements(path, subject, true)).known).toEqual({ times: [1, 2, 3] })
  const others: Partial<SearchSubject>[] = [
    { source: 'another hash' },
    { examples: examplesOf([0, 1, 0]) },
    { examples: { ...subject.examples, ranking: { queries: [0, 0, 0], relevance: [1, 0, 0] } } },
    { judged: { source: 'pairs', texts: textDataset('pairs', []), scores: [1, 2, 3] } },
    { settings: { encoder: 'text' } },
    { values: Uint8Array.of(1, 2) },
  ]
  for (const other of others)
    await expect(keepMeasurements(path, { ...subject, ...other }, true)).rejects.toMatchObject({
      code: 'TP_RESUME',
      message: expect.stringContaining('another model, other data, or another version; omit --resume'),
    })
})

test('refuses to resume from nothing, and from a file without measurements', async () => {
  await expect(keepMeasurements(join(folder, 'none'), subject, true)).rejects.toMatchObject({
    code: 'TP_FILE_NOT_FOUND',
  })
  writeFileSync(join(folder, 'text'), '{"about"')
  const message = expect.stringContaining('it holds no measurements')
  await expect(keepMeasurements(join(folder, 'text'), subject, true)).rejects.toMatchObject({ message })
})
