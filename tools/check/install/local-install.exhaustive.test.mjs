import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { runCommand } from '../command.mjs'
import { packAll } from '../tarballs.mjs'
import { root } from '../workspace.mjs'

const folder = mkdtempSync(join(tmpdir(), 'tp-local-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }), 300_000)

/** @param {readonly string[]} command */
async function run(command) {
  const env = { ONNXRUNTIME_NODE_INSTALL: 'skip', NO_COLOR: '1' }
  const { ok, output } = await runCommand(command, { cwd: folder, env, timeoutMs: 600_000 })
  if (!ok) throw new Error(`${command.join(' ')}\n${output}`)
  return output
}

test('npm installs the packed packages outside of the workspace, and tp prunes there', {
  timeout: 900_000,
}, async () => {
  const tarballs = await packAll(folder)
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  cpSync(join(root, 'packages/models/mail/model.onnx'), join(folder, 'model.onnx'))
  await run(['npm', 'install', '--no-audit', '--no-fund', ...tarballs.map(({ path }) => path)])
  const args = [
    'prune',
    'model.onnx',
    '-o',
    'pruned.onnx',
    '--method',
    'received-attention',
    '--keep',
    '0.5',
    '--verify',
  ]
  expect(await run(['npx', '--no-install', 'tp', ...args])).toContain('verified')
})
