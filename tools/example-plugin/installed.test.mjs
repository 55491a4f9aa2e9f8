import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../check/command.mjs'
import { installTarballs } from '../check/docs/sandbox.mjs'
import { packAll } from '../check/tarballs.mjs'
import { root, tool } from '../check/workspace.mjs'

/** A folder of a user's: packed packages are installed there, the plugin among them, and nothing of the workspace is seen. */
let folder = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tp-plugin-'))
  const pack = [...tool('pnpm/bin/pnpm.cjs'), 'pack', '--pack-destination', folder, '--json']
  const { ok, output } = await runCommand(pack, { cwd: join(root, 'tools/example-plugin') })
  if (!ok) throw new Error(output)
  const { name, filename } = JSON.parse(output)
  const plugin = { name, path: join(folder, basename(filename)), files: [] }
  await installTarballs(folder, [...(await packAll(folder)), plugin])
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
}, 120_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** @param {readonly string[]} args @param {string} cli folder of the command's package */
function tp(args, cli = join(folder, 'node_modules/@tp/cli')) {
  return runCommand([process.execPath, join(cli, 'bin/tp.js'), ...args], { cwd: folder })
}

test('the plugin comes without a copy of what it is plugged into', () => {
  expect(existsSync(join(folder, 'node_modules/tp-example-plugin/dist/index.js'))).toBe(true)
  expect(existsSync(join(folder, 'node_modules/tp-example-plugin/node_modules'))).toBe(false)
  const manifest = JSON.parse(readFileSync(join(folder, 'node_modules/tp-example-plugin/package.json'), 'utf8'))
  expect(manifest.dependencies).toBeUndefined()
  expect(Object.keys(manifest.peerDependencies)).toEqual(['@tp/core'])
  expect(manifest.peerDependencies['@tp/core']).toMatch(/^\^\d/)
})

test('tp lists its method', async () => {
  const { ok, output } = await tp(['methods', '--plugin', 'tp-example-plugin', '--json'])
  expect(ok).toBe(true)
  const method = JSON.parse(output).methods.find(
    (/** @type {{ name: string }} */ { name }) => name === 'norm-times-attention',
  )
  expect(method).toMatchObject({ from: 'tp-example-plugin', family: 'attention' })
  expect(method.options.power).toMatchObject({ type: 'number', default: 1 })
})

test.each(['tp-example-plugin', './node_modules/tp-example-plugin', './node_modules/tp-example-plugin/dist/index.js'])(
  'tp prunes and verifies with --plugin %s',
  async (plugin) => {
    const model = join(folder, 'node_modules/@tp/models/mail/model.onnx')
    const args = ['--method', 'norm-times-attention', '--param', 'power=0.5', '--keep', '0.6', '--verify']
    const { ok, output } = await tp(['prune', model, '-o', 'pruned.onnx', '--plugin', plugin, ...args])
    expect(output).toContain('verified')
    expect(ok).toBe(true)
    expect(readFileSync(join(folder, 'pruned.onnx')).includes('norm-times-attention')).toBe(true)
  },
)

test('a command that works with another copy of core prunes with it too', async () => {
  const model = join(folder, 'node_modules/@tp/models/digits-vit/model.onnx')
  const args = ['--plugin', 'tp-example-plugin', '--method', 'norm-times-attention', '--keep', '0.6', '--verify']
  const { ok, output } = await tp(['prune', model, '-o', 'copy.onnx', ...args], join(root, 'packages/cli'))
  expect(output).toContain('verified')
  expect(ok).toBe(true)
})
