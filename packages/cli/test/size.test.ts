import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commands } from '../src/commands/index.ts'

test.each(Object.entries(commands))('tp %s has at most 25 options', async (_, { load }) => {
  const own = Object.values((await load()).options).filter(({ through }) => through === undefined)
  expect(own.length).toBeLessThanOrEqual(25)
})

test('stays a thin layer over the libraries: fewer than 7,100 lines, and no file above 250', () => {
  const source = join(import.meta.dirname, '../src')
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /(?<!\.test)\.ts$/.test(path),
  )
  const lines = files.map((path) => readFileSync(join(source, path), 'utf8').split('\n').length - 1)
  expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThan(7100)
  expect(Math.max(...lines)).toBeLessThanOrEqual(250)
})
