import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { localLines } from '../../setup/local-lines.mjs'
import { runAsUser } from '../command.mjs'
import { packAll } from '../tarballs.mjs'
import { root } from '../workspace.mjs'

const folder = mkdtempSync(join(tmpdir(), 'tp-local-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }), 300_000)

/** @param {readonly string[]} command @param {string} cwd inside the folder */
function run(command, cwd = '.') {
  return runAsUser(command, { cwd: join(folder, cwd) })
}

test('prunes in an empty folder, with nothing installed there', { timeout: 1_800_000 }, async () => {
  mkdirSync(join(folder, 'empty', 'packages'), { recursive: true })
  const tarballs = (await packAll(join(folder, 'empty', 'packages'))).map(({ path }) => path)
  cpSync(join(root, 'packages/models/mail/model.onnx'), join(folder, 'empty', 'model.onnx'))
  // Until the packages are published: as `npx @tp/cli` finds them then. Transformers is of no use to the command.
  const needed = tarballs.filter(
    (path) => /\/tp-/.test(path) && !/tp-(?:models|transformers|runtime-)(?!node)/.test(path),
  )
  const packages = needed.flatMap((path) => ['--package', path])
  const output = await run(['npx', '--yes', ...packages, 'tp', 'prune', 'model.onnx'], 'empty')
  expect(output).toMatch(/^model\.pruned\.onnx /m)
  expect(output).toMatch(/as fast as dense at 128 tokens, one thread/)
  expect(readdirSync(join(folder, 'empty')).sort()).toEqual(['model.onnx', 'model.pruned.onnx', 'packages'])
})

test('prunes and begins a plugin in the lines that npm run pack-local prints', { timeout: 1_800_000 }, async () => {
  mkdirSync(join(folder, 'project'))
  const { code, command, plugin } = localLines((await packAll(folder)).map(({ path }) => path))
  writeFileSync(join(folder, 'project', 'package.json'), '{ "private": true }')
  cpSync(join(root, 'packages/models/mail/model.onnx'), join(folder, 'project', 'model.onnx'))
  await script(code, 'project')
  const program =
    "console.log(typeof (await import('@tp/compiler')).prune, typeof (await import('@tp/runtime-node')).nodeRuntime)"
  expect(await run([process.execPath, '--input-type=module', '-e', program], 'project')).toBe('function function')
  await script(command, 'project')
  const args = ['-o', 'pruned.onnx', '--method', 'received-attention', '--keep', '0.5']
  expect(await run(['npx', '--no-install', '@tp/cli', 'prune', 'model.onnx', ...args], 'project')).toContain('verified')

  // Outside of that project: npx is to find nothing but what the line names.
  mkdirSync(join(folder, 'elsewhere'))
  expect(await script(plugin, 'elsewhere')).toMatch(/Tests +\d+ passed/)
})

/** The lines that a reader copies into a shell. @param {readonly string[]} lines @param {string} cwd */
function script(lines, cwd) {
  return run(['bash', '-euo', 'pipefail', '-c', lines.join('\n')], cwd)
}
