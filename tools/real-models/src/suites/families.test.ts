import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { familiesApart } from './families.ts'

test('keeps a template and those that were made from it in one file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tp-families-'))
  try {
    const templates = Array.from({ length: 20 }, (_, i) => `I hate ${i}.,hateful,,${i}`)
    const negations = Array.from({ length: 20 }, (_, i) => `I do not hate ${i}.,non-hateful,${i},${20 + i}`)
    const misspelled = Array.from({ length: 20 }, (_, i) => `I do not haet ${i}.,non-hateful,${20 + i},${40 + i}`)
    const header = 'test_case,label_gold,ref_templ_id,templ_id'
    await writeFile(join(folder, 'cases.csv'), [header, ...templates, ...negations, ...misspelled].join('\n'))
    await familiesApart('cases.csv')(folder, folder)
    const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8')
    const parts = await Promise.all(['train.tsv', 'dev.tsv', 'test.tsv'].map(read))
    expect(parts.map((part) => part.trim().split('\n').length - 1)).toEqual([24, 12, 24])
    const numbers = parts.map((part) => new Set(part.match(/\d+(?=\.$)/gm)))
    expect(numbers.map(({ size }) => size)).toEqual([8, 4, 8])
    expect(new Set(numbers.flatMap((own) => [...own])).size).toBe(20)
    expect(parts[0]).toContain('label\ttext\nhateful\tI hate 0.\n')
  } finally {
    await rm(folder, { recursive: true })
  }
})
