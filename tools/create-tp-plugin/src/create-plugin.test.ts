import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
// The built package: the templates are collected when it is built.
import { type CreateOptions, createPlugin } from 'create-tp-plugin'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeFolder } from './write-folder.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'create-tp-plugin-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const create = (options: CreateOptions) => createPlugin({ folder: join(folder, 'new'), ...options })
const found = (): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
const read = (path: string): string => readFileSync(join(folder, 'new', path), 'utf8')

describe.each([
  [
    'method',
    '@you/tp-loud-tokens',
    'loud-tokens',
    ['src/loud-tokens.ts', 'src/loud-tokens.test.ts'],
    /function loudTokens\(/,
  ],
  ['runtime', 'tp-runtime-fast', 'fast', ['src/fast-runtime.ts', 'src/engine.ts'], /function fastRuntime\(/],
] as const)('a %s', (kind, name, short, sources, factory) => {
  test('uses the new name everywhere, and nothing of this repository', async () => {
    const made = await create({ name, kind })
    expect(made.short).toBe(short)
    expect(made.files).toEqual(
      expect.arrayContaining(['LICENSE', 'package.json', 'tsconfig.json', '.gitignore', 'README.md', ...sources]),
    )
    // The license speaks of examples.
    const texts = made.files
      .filter((path) => path !== 'LICENSE')
      .map((path) => `${path}\n${read(path)}`)
      .join('\n')
    expect(texts).toContain(`"name": "${name}"`)
    expect(texts).toMatch(factory)
    expect(texts).not.toMatch(/example|norm-?times|workspace:|tools\/|packages\/|skip=|<!--|"private"|references/i)
    expect(JSON.parse(read('package.json')).peerDependencies['@tp/core']).toMatch(/^\^\d+\.\d+\.\d+$/)
    expect(JSON.parse(read('tsconfig.json')).compilerOptions).toMatchObject({
      strict: true,
      isolatedDeclarations: true,
    })
    expect(texts).toContain('contractVersion: 1,')
  })
})

test('names the folder without the scope, and makes a method by default', async () => {
  const from = process.cwd()
  process.chdir(folder)
  try {
    const made = await createPlugin({ name: '@you/tp-loudest' })
    expect(made.folder.endsWith('tp-loudest')).toBe(true)
    expect(made.files).toContain('src/loudest.ts')
  } finally {
    process.chdir(from)
  }
})

test('accepts an existing folder only if it is empty except for .git', async () => {
  await mkdir(join(folder, 'new/.git'), { recursive: true })
  await create({ name: 'tp-loudest' })
  expect(readdirSync(join(folder, 'new'))).toContain('.git')
  const before = found()
  await expect(create({ name: 'tp-other' })).rejects.toMatchObject({
    code: 'TP_FOLDER',
    message: expect.stringMatching(/new is not empty: there is .*; name another with --dir/),
  })
  expect(found()).toEqual(before)
})

test.each([
  '',
  'Loudest',
  'tp loudest',
  '../x',
  'tp-2x',
  'tp-',
  'tp-method',
  '@you/',
  'a_b',
  'tp-class',
  'tp-mul',
  'tp-score',
])('refuses a package or function called "%s"', async (name) => {
  await expect(create({ name })).rejects.toMatchObject({ name: 'TpError', code: 'TP_NAME' })
  expect(found()).toEqual([])
})

test('refuses a folder name that is a file', async () => {
  writeFileSync(join(folder, 'new'), '')
  await expect(create({ name: 'tp-loudest' })).rejects.toMatchObject({ code: 'TP_FOLDER' })
})

test.each(['deep/er', '.'])('writes nothing if it fails halfway: %s', async (path) => {
  // the second needs a folder where the first is a file
  const files = { 'package.json': '{}', 'src/a': '', 'src/a/b': '' }
  await expect(writeFolder(join(folder, path), files)).rejects.toMatchObject({ code: 'TP_NOT_WRITABLE' })
  expect(found()).toEqual([])
})
