import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runCommand } from '../command.mjs'
import { compareReports, sinceBranch } from './check-api.mjs'

const before = { '@tp/core': { 'core.api.md': 'then' }, '@tp/onnx': { 'onnx.api.md': 'then' } }
const changesets = [{ id: 'waiting', releases: [{ name: '@tp/core' }] }]

/** A repository with one commit, where a branch begins. */
async function repository() {
  const folder = mkdtempSync(join(tmpdir(), 'tp-branch-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const write = (/** @type {string} */ path, /** @type {string} */ text) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const git = async (/** @type {string[]} */ ...args) => {
    const { ok, output } = await runCommand(['git', '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], {
      cwd: folder,
    })
    if (!ok) throw new Error(output)
  }
  write('etc/core.api.md', 'then')
  write('etc/onnx.api.md', 'then')
  write('etc/released.json', '0.1.0')
  write('.changeset/waiting.md', '@tp/core')
  await git('init', '--quiet', '--initial-branch=main')
  await git('add', '.')
  await git('commit', '--quiet', '-m', 'first')
  await git('checkout', '--quiet', '-b', 'branch')
  return { folder, write, git }
}

/** @param {string} folder @param {Partial<import('./check-api.mjs').Known>} [known] */
async function judge(folder, known) {
  const outcomes = await sinceBranch(folder, 'main', { before, now: before, changesets, ...known })
  return outcomes.map(({ state, name }) => `${state}: ${/@tp\/\w+/.exec(name)?.[0] ?? name}`)
}

test('does not take an older changeset for the changes of a branch', async () => {
  const { folder, write, git } = await repository()
  expect(await judge(folder)).toEqual([])

  write('etc/core.api.md', 'now') // not committed yet
  expect(await judge(folder)).toEqual(['failed: @tp/core'])
  await git('commit', '--quiet', '-a', '-m', 'second')
  expect(await judge(folder)).toEqual(['failed: @tp/core'])

  write('.changeset/own.md', '@tp/core')
  const own = [...changesets, { id: 'own', releases: [{ name: '@tp/core' }] }]
  expect(await judge(folder, { changesets: own })).toEqual(['passed: @tp/core'])
  await git('add', '.')
  await git('commit', '--quiet', '-m', 'third')
  expect(await judge(folder, { changesets: own })).toEqual(['passed: @tp/core'])
})

test('takes an older changeset that a branch has extended', async () => {
  const { folder, write } = await repository()
  write('etc/core.api.md', 'now')
  write('.changeset/waiting.md', '@tp/core, and more')
  expect(await judge(folder)).toEqual(['passed: @tp/core'])
})

test('counts a removed entry point as a change of the package that it belonged to', async () => {
  const { folder } = await repository()
  rmSync(join(folder, 'etc/onnx.api.md'))
  expect(await judge(folder, { now: { '@tp/core': before['@tp/core'] } })).toEqual(['failed: @tp/onnx'])
})

test('requires no changesets of a branch with a release of its own', async () => {
  const { folder, write } = await repository()
  write('etc/core.api.md', 'now')
  write('etc/released.json', '0.1.1')
  rmSync(join(folder, '.changeset/waiting.md'))
  expect(await judge(folder, { changesets: [] })).toEqual([
    expect.stringContaining('passed: changes of the API since main'),
  ])
})

test('skips the check with a reason where git does not know the branch', async () => {
  const { folder } = await repository()
  rmSync(join(folder, '.git'), { recursive: true })
  const [outcome] = await sinceBranch(folder, 'main', { before, now: before, changesets })
  expect(outcome).toMatchObject({ state: 'skipped', note: expect.stringContaining('main') })
})

test('finds reports that are outdated, missing or unused', () => {
  const report = { file: 'core.api.md', text: 'a' }
  expect(compareReports([report], [report]).map(({ state }) => state)).toEqual(['passed'])
  expect(compareReports([{ ...report, text: 'b' }], [report]).map(({ state }) => state)).toEqual(['failed'])
  expect(compareReports([], [report]).map(({ state }) => state)).toEqual(['failed'])
  expect(compareReports([report], []).map(({ state }) => state)).toEqual(['failed'])
})
