import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

test('the README lists every code that this package gives', () => {
  const folder = new URL('../src/', import.meta.url)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  )
  const text = files.map((name) => readFileSync(new URL(name, folder), 'utf8')).join('\n')
  const codes = new Set(text.match(/(?<=')TP_[A-Z_]+(?=')/g))
  const listed = new Set(readFileSync(new URL('../README.md', import.meta.url), 'utf8').match(/TP_[A-Z_]+/g))
  expect([...listed].sort()).toEqual([...codes].sort())
})
