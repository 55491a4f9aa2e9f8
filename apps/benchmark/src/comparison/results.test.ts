import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AccuracyCell, SpeedCell } from './cell.ts'
import { Results } from './results.ts'

const accuracy: AccuracyCell = {
  kind: 'accuracy',
  subject: 'mail',
  split: 'test',
  setting: { kind: 'none' },
  examples: 2,
}
const speed: SpeedCell = {
  kind: 'speed',
  subject: 'mail',
  name: 'grid',
  runtime: 'node',
  at: { batch: 1, tokens: 8 },
  candidates: [{ kind: 'none' }],
  budgetMs: 1,
}
const value = { accuracy: 50, answers: '01', correct: '01', flops: 1 }
const about = { machine: 'one', versions: 'v1' }

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-results-'))
  path = join(folder, 'results.jsonl')
})
afterEach(() => rm(folder, { recursive: true }))

const open = (files = 'a', machine = 'one') => Results.open(path, () => files, { ...about, machine })

test('reads back what was added', async () => {
  await (await open()).add(accuracy, { value, seconds: 1 })
  expect((await open()).value(accuracy)).toEqual(value)
})

test('drops a line that was not finished, and adds the next one on a line of its own', async () => {
  await (await open()).add(accuracy, { value, seconds: 1 })
  await appendFile(path, '{"key":"accuracy/mail/te')
  const again = await open()
  await again.add({ ...accuracy, split: 'calibration' }, { value, seconds: 1 })
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line).key)).toEqual([
    'accuracy/mail/test/none',
    'accuracy/mail/calibration/none',
  ])
})

test('does not know a cell with other settings or other files', async () => {
  await (await open()).add(accuracy, { value, seconds: 1 })
  expect((await open()).line({ ...accuracy, examples: 3 })).toBeUndefined()
  expect((await open('b')).line(accuracy)).toBeUndefined()
})

test('ties times to one machine, and answers to none', async () => {
  const results = await open()
  await results.add(accuracy, { value, seconds: 1 })
  await results.add(speed, { value: { candidates: [] }, seconds: 1 })
  const elsewhere = await open('a', 'two')
  expect(elsewhere.line(accuracy)).toBeDefined()
  expect(elsewhere.line(speed)).toBeUndefined()
})

test('knows a refusal, though it has no value', async () => {
  const results = await open()
  await results.add(accuracy, { refused: { code: 'TP_X', message: 'why' }, seconds: 1 })
  expect(results.value(accuracy)).toBeUndefined()
  expect((await open()).line(accuracy)?.refused?.message).toBe('why')
})

test('counts times of any machine where none is named', async () => {
  await (await open()).add(speed, { value: { candidates: [] }, seconds: 1 })
  const anywhere = await Results.open(path, () => 'a')
  expect(anywhere.line(speed)).toBeDefined()
  expect(anywhere.surroundings.machine).toBe('one')
  expect((await Results.open(path, () => 'b')).line(speed)).toBeUndefined()
})
