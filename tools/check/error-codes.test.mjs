import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './workspace.mjs'

/** Variables of the environment. */
const variables = new Set(['TP_ORT_LIB', 'TP_INSTRUCTIONS'])

/** @param {string} folder */
function sourcesIn(folder) {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|js)$/.test(path) && !/\.test\.ts$/.test(path))
    .map((path) => join(folder, path))
}

test('the page of errors has a cause and a cure for every code that is thrown, and for no other', () => {
  const folders = readdirSync(join(root, 'packages')).flatMap((name) => [
    `packages/${name}/src`,
    `packages/${name}/bin`,
  ])
  const sources = [...folders, 'tools/create-tp-plugin/src']
    .filter((path) => existsSync(join(root, path)))
    .flatMap(sourcesIn)
  expect(sources.length).toBeGreaterThan(500)
  const thrown = new Set(
    sources.flatMap((path) => readFileSync(join(root, path), 'utf8').match(/(?<=['"`])TP_[A-Z0-9_]+(?=['"`])/g) ?? []),
  )
  const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  const rows = [...page.matchAll(/^\| <a id="(\w+)"><\/a>`(TP_\w+)` \| (.+) \| (.+) \|$/gm)]
  expect(rows.map(([, , code]) => code)).toEqual([...thrown].filter((code) => !variables.has(code)).sort())
  for (const [, id, code = ''] of rows) expect(id).toBe(code.toLowerCase())
})
