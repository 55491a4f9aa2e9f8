import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endings, tryEnding, writeModels } from './endings/endings.mjs'
import { describeNative } from './native.ts'

let folder: string
beforeAll(async () => {
  folder = await writeModels()
})
afterAll(() => rm(folder, { recursive: true }))

// A crash would be rare: node test/endings/main.mjs tries each 200 times.
const everyDay = new Set<keyof typeof endings>([
  'exit',
  'exitWhileLoading',
  'uncaughtError',
  'terminateWorker',
  'exitWorker',
])
describeNative('in the middle of runs a process ends as it should by', () => {
  for (const ending of Object.keys(endings) as (keyof typeof endings)[]) {
    test(ending, { timeout: 60_000, tags: everyDay.has(ending) ? [] : 'exhaustive' }, async () => {
      for (const delay of process.env.TP_EXHAUSTIVE ? [0, 10, 25, 60] : [25])
        expect(await tryEnding(ending, delay, folder)).toBeUndefined()
    })
  }
})
