import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { errorCodes } from '../generate/errors-table.mjs'
import { root } from './workspace.mjs'

/** Variables of the environment. */
const variables = new Set(['TP_ORT_LIB', 'TP_INSTRUCTIONS'])

/** @param {string} folder */
function sourcesIn(folder) {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|js)$/.test(path) && !/\.test\.ts$/.test(path))
    .map((path) => join(folder, path))
}

const codes = await errorCodes()

test('the list of errors has every code that is thrown, and no other', () => {
  const folders = readdirSync(join(root, 'packages')).flatMap((name) => [
    `packages/${name}/src`,
    `packages/${name}/bin`,
  ])
  const sources = [...folders, 'tools/create-tp-plugin/src']
    .filter((path) => existsSync(join(root, path)))
    .flatMap(sourcesIn)
    .filter((path) => path !== 'packages/core/src/error-codes.ts')
  expect(sources.length).toBeGreaterThan(500)
  const thrown = new Set(
    sources.flatMap((path) => readFileSync(join(root, path), 'utf8').match(/(?<=['"`])TP_[A-Z0-9_]+(?=['"`])/g) ?? []),
  )
  expect(Object.keys(codes)).toEqual([...thrown].filter((code) => !variables.has(code)).sort())
})

test('tp ends with the exit code that the list names', async () => {
  const { exitCodeOf } = await import('../../packages/cli/dist/commands/exit-code.js')
  const { TpError } = await import('../../packages/core/dist/index.js')
  const exits = Object.entries(codes).map(([code, { exit = 1 }]) => [code, exit])
  expect(
    exits.map(([code]) => [code, exitCodeOf(new TpError(/** @type {`TP_${string}`} */ (code), 'test', 'failed'))]),
  ).toEqual(exits)
})
