import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clauseData } from './clause-data.ts'
import { modelPath } from './embedded-models.ts'
import { exampleNames, writeExample } from './write-example.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const main = join(root, 'bin/tp-models.js')
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tp-models-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each(exampleNames)('writes the model %s with texts of all its classes', (name) => {
  const own = join(folder, name)
  const { model, examples, test: others, count } = writeExample(name, own)
  expect(readdirSync(own).sort()).toEqual(['config.json', 'examples.tsv', 'model.onnx', 'test.tsv', 'tokenizer.json'])
  expect(readFileSync(model).equals(readFileSync(modelPath(name)))).toBe(true)
  const { id2label } = JSON.parse(readFileSync(join(own, 'config.json'), 'utf8'))
  for (const path of [examples, others]) {
    const rows = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((row) => row.split('\t'))
    expect(new Set(rows.map(([label]) => label))).toEqual(new Set(Object.keys(id2label)))
    expect(rows.every(({ length }) => length === 2)).toBe(true)
    // `--limit 60` is enough for all classes.
    expect(new Set(rows.slice(0, 60).map(([label]) => label)).size).toBe(Object.keys(id2label).length)
    if (path === examples) expect(rows).toHaveLength(count)
  }
})

test('notices an incomplete installation', () => {
  const copy = join(folder, 'installed')
  for (const part of ['bin', 'dist', 'data', 'clauses', 'package.json'])
    cpSync(join(root, part), join(copy, part), {
      recursive: true,
      filter: (path) => !path.endsWith('.json') || !path.includes('data'),
    })
  const tried = (): [string, boolean] => {
    const { stderr } = spawnSync(process.execPath, [join(copy, 'bin/tp-models.js'), 'clauses', 'tried'], {
      cwd: folder,
      encoding: 'utf8',
    })
    return [stderr, existsSync(join(folder, 'tried'))]
  }
  truncateSync(join(copy, 'clauses/model.onnx'), 1000)
  expect(tried()).toEqual([expect.stringMatching(/is not the file that was published\ncode: TP_INSTALL\n$/), false])
  truncateSync(join(copy, 'dist/main.js'), 20)
  expect(tried()).toEqual([expect.stringMatching(/install @tp\/models again\ncode: TP_INSTALL\n$/), false])
})

test('is a command that names its files and the next one', () => {
  const printed = execFileSync(process.execPath, [main, 'clauses', 'mine'], { cwd: folder, encoding: 'utf8' })
  expect(printed).toContain(`${clauseData('dev').length + clauseData('calibration').length} texts with their classes`)
  expect(printed).toMatch(/^next {2}(?:npx )?tp optimize mine\/model\.onnx --data mine\/examples\.tsv/m)
  const wrong = () => execFileSync(process.execPath, [main, 'clause'], { cwd: folder, stdio: 'pipe' })
  expect(wrong).toThrow('Usage: tp-models clauses|mail FOLDER')
})
