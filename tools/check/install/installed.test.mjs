import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../command.mjs'
import { fencesOf } from '../docs/fences.mjs'
import { installTarballs } from '../docs/sandbox.mjs'
import { packAll } from '../tarballs.mjs'
import { publicPackages, root } from '../workspace.mjs'
import { installedPackages } from './installed-packages.mjs'

/** Folders of users with installed packages and a model, outside of the workspace. */
let scratch = ''
/** @type {import('../tarballs.mjs').Tarball[]} */
let tarballs = []

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'tp-install-'))
  const { TP_TARBALLS: packed } = process.env
  tarballs = packed === undefined ? await packAll(scratch) : JSON.parse(readFileSync(packed, 'utf8'))
}, 120_000)

afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** The packages that a document installs, and its first program. @param {string} file */
function read(file) {
  const fences = fencesOf(file, readFileSync(join(root, file), 'utf8'))
  const line = fences.find(({ language, code }) => language === 'sh' && code.startsWith('npm install '))?.code ?? ''
  const program = fences.find(({ language }) => language === 'ts')?.code ?? ''
  return { names: line.split(' ').slice(2), program }
}

/** A new folder with these packages and the model that the documents name. @param {readonly string[]} names */
async function folderWith(names) {
  const folder = mkdtempSync(join(scratch, 'user-'))
  await installTarballs(folder, tarballs, names)
  for (const path of ['model.onnx', 'packages/models/mail/model.onnx']) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    cpSync(join(root, 'packages/models/mail/model.onnx'), join(folder, path))
  }
  return folder
}

/** @param {string} folder @param {string} program */
function run(folder, program) {
  writeFileSync(join(folder, 'program.mjs'), program)
  return runCommand([process.execPath, 'program.mjs'], { cwd: folder })
}

const documents = [
  {
    file: 'docs/packages.md',
    prints: '[ 1, 2 ]',
    own: ['compiler', 'core', 'method-attention', 'onnx', 'runtime-node'],
    foreign: ['@bufbuild/protobuf', 'onnxruntime-node'],
  },
  {
    file: 'packages/compiler/README.md',
    prints: 'times fewer FLOPs',
    own: ['compiler', 'core', 'method-attention', 'onnx'],
    foreign: ['@bufbuild/protobuf', '@petamoriken/float16', 'onnx-buf'],
  },
]

describe.each(documents)('the packages to install in $file', { timeout: 60_000 }, ({ file, prints, own, foreign }) => {
  const { names, program } = read(file)
  let folder = ''
  beforeAll(async () => {
    folder = await folderWith(names)
  }, 60_000)

  test('the listed packages are enough to run its program', async () => {
    const { ok, output } = await run(folder, program)
    expect(output).toContain(prints)
    expect(ok).toBe(true)
  })

  test('installs nothing else of ours', () => {
    const installed = installedPackages(folder, names).map(({ name }) => name)
    expect(installed.filter((name) => name.startsWith('@tp/')).sort()).toEqual(own.map((name) => `@tp/${name}`))
    expect(installed).toEqual(expect.arrayContaining(foreign))
    const others = [
      'onnxruntime-web',
      'sharp',
      'csv-parse',
      'wavefile',
      '@huggingface/tokenizers',
      'vitest',
      'typescript',
    ]
    expect(installed.filter((name) => others.includes(name))).toEqual([])
  })

  test('makes no other package available', async () => {
    const names = publicPackages().map(({ manifest }) => manifest.name)
    const others = [
      ...names.filter((name) => !own.includes(name.slice('@tp/'.length))),
      'onnxruntime-web',
      'sharp',
      'vitest',
    ]
    const { output } = await run(
      folder,
      `for (const name of ${JSON.stringify(others)}) await import(name).then(() => console.log(name), () => {})`,
    )
    expect(others).toContain('@tp/cli')
    expect(output).toBe('')
    expect(readdirSync(join(folder, 'node_modules/.bin'))).toEqual([])
  })

  test('names no package that is not needed', { tags: 'exhaustive' }, async () => {
    const needless = []
    for (const name of names) {
      const { ok } = await run(await folderWith(names.filter((other) => other !== name)), program)
      if (ok) needless.push(name)
    }
    // Peers: npm would install them by itself.
    expect(needless).toEqual(names.filter((name) => ['@tp/core', '@tp/onnx', 'onnxruntime-node'].includes(name)))
  })
})

test('needs no native code for pruning alone', async () => {
  const { names } = read('packages/compiler/README.md')
  const folder = await folderWith(names)
  const installed = installedPackages(folder, names)
  const files = installed.flatMap(({ path }) => readdirSync(path, { recursive: true, encoding: 'utf8' }))
  expect(files).toContain('dist/index.js')
  expect(files.filter((file) => /\.(node|so|dll|dylib|wasm)$/.test(file))).toEqual([])
  expect(installed.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(10.1e6)
})

test('names packages that are not installed', async () => {
  const folder = await folderWith(['@tp/core'])
  expect(() => installedPackages(folder, ['@tp/onnx'])).toThrow('@tp/onnx is not installed')
  rmSync(join(folder, 'node_modules/@petamoriken'), { recursive: true })
  expect(() => installedPackages(folder, ['@tp/core'])).toThrow('@tp/core needs @petamoriken/float16')
})
