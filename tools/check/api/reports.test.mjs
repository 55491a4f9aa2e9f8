import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { apiReports } from './reports.mjs'

vi.setConfig({ testTimeout: 60_000 }) // each compiles

/** The reports of a package with these declarations at its entry points. @param {Record<string, string>} entries */
function reportsOf(entries) {
  const folder = mkdtempSync(join(tmpdir(), 'tp-api-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'dist'))
  const files = Object.keys(entries).map((entry) => [entry, `dist/${entry === '.' ? 'index' : entry.slice(2)}.d.ts`])
  for (const [entry = '', file = ''] of files) writeFileSync(join(folder, file), entries[entry] ?? '')
  const exports = Object.fromEntries(files.map(([entry, file]) => [entry, { types: `./${file}` }]))
  const manifest = {
    name: '@tp/sample',
    version: '1.2.3',
    type: 'module',
    exports: { ...exports, './data/*': './data/*' },
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  return apiReports([folder])
}

/** The one report of a package. @param {string} declarations */
function reportOf(declarations) {
  const [report] = reportsOf({ '.': declarations })
  return report?.text
}

const declarations = `
interface Hidden {
  readonly width: number;
}
/** Says how wide. */
export declare function widthOf(hidden: Hidden): number;
export {};
`

test('makes a report per entry point, with used types that are not exported, and none for files', () => {
  const reports = reportsOf({ '.': declarations, './testing': 'export declare const seed: number;' })
  expect(reports.map(({ file }) => file)).toEqual(['sample-testing.api.md', 'sample.api.md'])
  expect(reports[0]?.text).toContain('export const seed: number;')
  expect(reports[1]?.text).toMatch(/^## API Report File for "@tp\/sample"/)
  expect(reports[1]?.text).toContain('export function widthOf(hidden: Hidden): number;')
  expect(reports[1]?.text).toContain('readonly width: number;')
})

test('depends on declarations, not on comments', { tags: 'exhaustive' }, () => {
  const text = (/** @type {string} */ old, /** @type {string} */ now) => declarations.replace(old, now)
  const reports = reportsOf({
    './as-it-was': declarations,
    './without-comment': text('/** Says how wide. */', ''),
    './other-comment': text('how wide', 'how very wide'),
    './other-type': text('width: number', 'width: bigint'),
    './other-parameter': text('hidden: Hidden', 'hidden?: Hidden'),
    './deprecated': text('Says', '@deprecated Says'),
  })
  const own = reports.find(({ file }) => file === 'sample-as-it-was.api.md')?.text
  const same = reports.filter(({ text }) => text === own).map(({ file }) => file)
  expect(same).toEqual(['as-it-was', 'other-comment', 'without-comment'].map((name) => `sample-${name}.api.md`))
})

test('refuses declarations that do not compile', () => {
  expect(() => reportOf('export declare function widthOf(hidden: Missing): number;')).toThrow('Missing')
})
