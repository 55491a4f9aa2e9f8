import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runAsUser } from '../command.mjs'
import { fencesOf } from '../docs/fences.mjs'
import { rehearse } from '../release/rehearsal.mjs'
import { root } from '../workspace.mjs'
import { openLocalRegistry } from './local-registry.mjs'

// Downloads a runtime of 300 MB more than once.
vi.setConfig({ testTimeout: 1_800_000, hookTimeout: 1_800_000 })

let folder = ''
/** @type {import('./local-registry.mjs').LocalRegistry} */
let registry
/** @type {import('../tarballs.mjs').Tarball[]} */
let tarballs = []
let version = ''

/** The next release is on a registry, and nothing of the workspace can be seen. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tp-registry-'))
  registry = await openLocalRegistry(join(folder, 'registry'))
  const rehearsed = await rehearse(folder)
  tarballs = rehearsed.tarballs
  version = JSON.parse(readFileSync(join(rehearsed.folder, 'packages/core/package.json'), 'utf8')).version
  for (const { path } of tarballs) await publish(path, '.')
})

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** Signing asks for CI: what it would sign is looked at below. @param {string} what @param {string} cwd inside the folder */
function publish(what, cwd) {
  return done(['npm', 'publish', what, '--provenance=false', '--ignore-scripts'], cwd)
}

/** @param {readonly string[]} command @param {string} cwd inside the folder */
function done(command, cwd) {
  return runAsUser(command, { cwd: join(folder, cwd), env: registry.env })
}

/** A folder of a user with the embedded mail model. @param {string} name */
function userFolder(name) {
  mkdirSync(join(folder, name))
  cpSync(join(root, 'packages/models/mail/model.onnx'), join(folder, name, 'model.onnx'))
}

test('every package is there under one version, with its repository and its folder, which provenance compares', async () => {
  for (const { name } of tarballs) {
    const found = await (await fetch(`${registry.url}${name.replace('/', '%2f')}`)).json()
    expect(found['dist-tags'].latest, name).toBe(version)
    const { repository, dist, license } = found.versions[version]
    const { repository: ours } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect({ ...repository, directory: undefined }, name).toEqual({ ...ours, directory: undefined })
    expect(repository.directory, name).toMatch(/^(packages|tools)\//)
    expect([license, typeof dist.integrity], name).toEqual(['Apache-2.0', 'string'])
  }
})

test('npx @tp/cli prunes a model in an empty folder', async () => {
  userFolder('empty')
  const output = await done(['npx', '@tp/cli', 'prune', 'model.onnx'], 'empty')
  expect(output).toMatch(/^model\.pruned\.onnx /m)
  expect(readdirSync(join(folder, 'empty')).sort()).toEqual(['model.onnx', 'model.pruned.onnx'])
})

test('npm create tp-plugin begins a method that is built, tested and ready to publish within ten minutes', async () => {
  mkdirSync(join(folder, 'author'))
  const start = Date.now()
  await done(['npm', 'create', 'tp-plugin', 'tp-mine'], 'author')
  await done(['npm', 'install'], 'author/tp-mine')
  await done(['npm', 'run', 'build'], 'author/tp-mine')
  expect(await done(['npm', 'test'], 'author/tp-mine')).toMatch(/Tests +\d+ passed/)
  expect(await done(['npm', 'publish', '--dry-run'], 'author/tp-mine')).toContain('+ tp-mine@')
  expect((Date.now() - start) / 60_000).toBeLessThan(10)
})

test('a plugin from outside is published, installed next to the command, and prunes', async () => {
  await done(['npm', 'publish'], 'author/tp-mine')
  userFolder('user')
  writeFileSync(join(folder, 'user', 'package.json'), '{ "private": true, "type": "module" }')
  await done(['npm', 'install', '@tp/cli', 'tp-mine'], 'user')
  const args = ['--plugin', 'tp-mine', '--method', 'mine', '--keep', '0.6', '-o', 'pruned.onnx']
  expect(await done(['npx', 'tp', 'prune', 'model.onnx', ...args], 'user')).toContain('verified')
})

test('a program in TypeScript finds the types of what is installed', async () => {
  const fences = fencesOf('docs/packages.md', readFileSync(join(root, 'docs/packages.md'), 'utf8'))
  const program = fences.find(({ language }) => language === 'ts')?.code ?? ''
  const names =
    fences
      .find(({ code }) => code.startsWith('npm install '))
      ?.code.split(' ')
      .slice(2) ?? []
  expect([names.length, program.length].every((length) => length > 0)).toBe(true)
  await done(['npm', 'install', ...names, 'typescript', '@types/node'], 'user')
  writeFileSync(join(folder, 'user', 'program.ts'), program)
  const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'esnext', '--types', 'node']
  await done(['npx', 'tsc', ...options, 'program.ts'], 'user')
})
