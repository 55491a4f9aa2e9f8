import { expect, test } from 'vitest'
import { callsOf } from '../check/printed/shell.mjs'
import { publicPackages } from '../check/workspace.mjs'
import { localLines } from './local-lines.mjs'

const packages = publicPackages().map(({ manifest }) => ({
  manifest,
  path: `/packed/${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`,
}))
const { code, command, plugin } = localLines(packages.map(({ path }) => path))

test.each([
  { what: 'code', line: code[0], asks: ['@tp/compiler', '@tp/method-attention', '@tp/runtime-node'] },
  { what: 'the command', line: command[0], asks: ['@tp/cli'] },
  { what: 'a plugin', line: plugin[0], asks: ['create-tp-plugin'] },
])('the line for $what names every package of ours that its packages need', ({ line, asks }) => {
  const [[words = []] = []] = callsOf([/** @type {string} */ (line)])
  const named = packages.filter(({ path }) => words.includes(path)).map(({ manifest }) => manifest)
  const names = named.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(asks))
  const needed = named.flatMap(({ dependencies, peerDependencies, peerDependenciesMeta }) =>
    Object.keys({ ...dependencies, ...peerDependencies }).filter((name) => !peerDependenciesMeta?.[name]?.optional),
  )
  expect(needed.filter((name) => name.startsWith('@tp/') && !names.includes(name))).toEqual([])
})

test('the line for code has five packages and a runtime, not all', () => {
  const [[words = []] = []] = callsOf([/** @type {string} */ (code[0])])
  expect(words.filter((word) => word.endsWith('.tgz'))).toHaveLength(5)
  expect(words.at(-1)).toBe('onnxruntime-node')
})
