import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runCommand } from './command.mjs'
import { root, tool } from './workspace.mjs'

/** The report of a run of these files. @param {Record<string, string>} files */
async function outcomesOf(files) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tp-reporter-')))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const reporter = join(root, 'tools/check/vitest-reporter.mjs')
  const options = ['run', `--reporter=${reporter}`, '--root', folder]
  const file = join(folder, 'outcomes.json')
  await runCommand([...tool('vitest/vitest.mjs'), ...options], { cwd: folder, env: { TP_OUTCOMES: file, VITEST: '' } })
  return JSON.parse(await readFile(file, 'utf8'))
}

test('distinguishes passed, failed and skipped tests, slow tests, files that do not load and stray errors', {
  timeout: 60_000,
}, async () => {
  const projects = await outcomesOf({
    'a.test.js': `
      import { expect, test } from 'vitest'
      test('good', () => {})
      test('bad', () => expect(1).toBe(2))
      test('left out', ({ skip }) => skip('no camera'))
      test('stray', async () => {
        setTimeout(() => { throw new Error('too late') }, 1)
        await new Promise((resolve) => setTimeout(resolve, 50))
      })`,
    'b.test.js': "import 'not-there'",
    'c.test.js': `
      import { describe, test } from 'vitest'
      test('slow', { tags: 'exhaustive' }, () => {})
      describe('proofs', { tags: 'exhaustive' }, () => {
        test('slower', () => {})
      })`,
    'vitest.config.js': "export default { test: { name: 'all', tags: [{ name: 'exhaustive', skip: true }] } }",
  })
  expect(projects.all.slow).toBe(2)
  expect(projects.all.outcomes).toHaveLength(5)
  expect(projects.all.outcomes).toEqual(
    expect.arrayContaining([
      { name: 'a.test.js > good', state: 'passed' },
      { name: 'a.test.js > bad', state: 'failed', note: expect.stringContaining('expected 1 to be 2') },
      { name: 'a.test.js > left out', state: 'skipped', note: 'no camera' },
      { name: 'b.test.js', state: 'failed', note: expect.stringContaining('not-there') },
    ]),
  )
  const note = expect.stringContaining('too late')
  expect(projects[''].outcomes).toEqual([{ name: 'error outside of every test', state: 'failed', note }])
})
