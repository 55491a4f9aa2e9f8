import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { mailData } from '@tp/models'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { runCommand } from '../../check/command.mjs'
import { fencesOf } from '../../check/docs/fences.mjs'
import { installTarballs, linkPluginTools } from '../../check/docs/sandbox.mjs'
import { packAll } from '../../check/tarballs.mjs'
import { root } from '../../check/workspace.mjs'

// Builds and runs suites of tests of its own.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

/** The folder of a user: published packages are installed, and the workspace is not visible. */
let folder = ''
/** @param {string} name */
const at = (name) => join(folder, name)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tp-plugin-'))
  await installTarballs(folder, await packAll(folder))
  linkPluginTools(folder)
  writeFileSync(at('package.json'), '{ "private": true }')
  for (const file of ['model.onnx', 'config.json', 'tokenizer.json']) {
    copyFileSync(join(root, 'packages/models/mail', file), at(file))
  }
  const lines = mailData('calibration')
    .filter(({ text }) => text.length > 100 && text.length < 400)
    .map(({ text, label }) => `${['ham', 'spam'][label]}\t${text.replaceAll('\t', ' ')}\n`)
  writeFileSync(at('mails.tsv'), lines.slice(0, 60).join(''))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** @param {readonly string[]} command @param {string} cwd inside the folder */
async function done(command, cwd = '.') {
  // A test runner inside of a test runner is to be one by itself.
  const env = { NO_COLOR: '1', VITEST: undefined, NODE_ENV: undefined, npm_config_offline: 'true' }
  const { ok, output } = await runCommand(command, { cwd: at(cwd), env })
  if (!ok) throw new Error(`${command.join(' ')}\n${output}`)
  return output
}

/** The result that the command prints. @param {readonly string[]} args @param {string} cwd inside the folder */
async function tp(args, cwd = '.') {
  const command = [at('node_modules/@tp/cli/bin/tp.js'), ...args]
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: at(cwd) })
  return stdout
}

/**
 * Packs a package as it would be published, and installs it where `node_modules` is.
 * @param {string} name @param {string} cwd its folder
 */
async function publish(name, cwd) {
  await done(['npm', 'pack', '--pack-destination', folder], cwd)
  const [, file = ''] = /([\w.-]+\.tgz)$/.exec(await done(['bash', '-c', 'ls -t *.tgz | head -1'])) ?? []
  await installTarballs(folder, [{ name, path: at(file), files: [] }])
}

describe('a created method', () => {
  test('builds with its own compiler and passes its tests', async () => {
    expect(await done(['npm', 'create', 'tp-plugin', 'tp-loudest'])).toContain('files of the method "loudest"')
    await done(['npm', 'run', 'build'], 'tp-loudest')
    const output = await done(['npm', 'test'], 'tp-loudest')
    expect(output).toMatch(/Tests +\d\d passed/)
    expect(output).not.toContain('failed')
  })

  test('works by its path during development', async () => {
    const { methods } = JSON.parse(await tp(['methods', '--plugin', '.', '--json'], 'tp-loudest'))
    const method = methods.find((/** @type {{ name: string }} */ { name }) => name === 'loudest')
    expect(method).toMatchObject({ family: 'attention', options: { power: { type: 'number', default: 1 } } })
  })

  test('publishes without a copy of core, and without its tests', async () => {
    await publish('tp-loudest', 'tp-loudest')
    expect(existsSync(at('node_modules/tp-loudest/dist/index.js'))).toBe(true)
    expect(existsSync(at('node_modules/tp-loudest/node_modules'))).toBe(false)
    expect(existsSync(at('node_modules/tp-loudest/src/loudest.test.ts'))).toBe(false)
    const manifest = JSON.parse(readFileSync(at('node_modules/tp-loudest/package.json'), 'utf8'))
    expect(manifest.private).toBeUndefined()
    expect(manifest.dependencies).toBeUndefined()
    expect(Object.keys(manifest.peerDependencies)).toEqual(['@tp/core'])
    expect(manifest.peerDependencies['@tp/core']).toMatch(/^\^\d/)
  })

  test.each(['tp-loudest', './node_modules/tp-loudest', './tp-loudest/dist/index.js'])(
    'prunes with --plugin %s',
    async (plugin) => {
      const args = ['--method', 'loudest', '--param', 'power=0.5', '--keep', '0.6']
      expect(await tp(['prune', 'model.onnx', '-o', 'pruned.onnx', '--plugin', plugin, ...args])).toContain('verified')
      expect(readFileSync(at('pruned.onnx')).includes('loudest')).toBe(true)
    },
  )

  test('works in a command that has another copy of core', async () => {
    const args = ['--plugin', 'tp-loudest', '--method', 'loudest', '--keep', '0.6']
    const cli = join(root, 'packages/cli/bin/tp.js')
    expect(await done([process.execPath, cli, 'prune', 'model.onnx', '-o', 'copy.onnx', ...args])).toContain('verified')
  })

  test('bundles into one file for pages, with the required parts of core', async () => {
    await done(['npm', 'run', 'bundle'], 'tp-loudest')
    const text = readFileSync(at('tp-loudest/dist/bundle.js'), 'utf8')
    expect(text).not.toMatch(/^import /m)
    const args = ['--plugin', './tp-loudest/dist/bundle.js', '--method', 'loudest', '--keep', '0.6']
    expect(await tp(['prune', 'model.onnx', '-o', 'bundled.onnx', ...args])).toContain('verified')
  })

  test('does not compile against another contract', async () => {
    const index = at('tp-loudest/src/index.ts')
    const text = readFileSync(index, 'utf8')
    writeFileSync(index, text.replace('contractVersion: 1', 'contractVersion: 2'))
    await expect(done(['npm', 'run', 'build'], 'tp-loudest')).rejects.toThrow(/Type '2' is not assignable to type '1'/)
    writeFileSync(index, text)
  })
})

describe('a created runtime', () => {
  test('builds with its own compiler and passes its tests', async () => {
    expect(await done(['npm', 'create', 'tp-plugin', '@you/tp-fast', '--', '--kind', 'runtime'])).toContain(
      'runtime "fast"',
    )
    await done(['npm', 'run', 'build'], 'tp-fast')
    const output = await done(['npm', 'test'], 'tp-fast')
    expect(output).toMatch(/Tests +\d\d passed/)
    expect(output).not.toMatch(/failed|skipped/)
  })

  test.each(['.', './dist/index.js'])('runs models with --runtime %s', async (runtime) => {
    expect(await tp(['doctor', '--runtime', runtime], 'tp-fast')).toMatch(/^ok +runtime +fast \d+\.\d+/m)
    const args = ['--shapes', '1x16', '--json', '--runtime', runtime]
    const { runtime: ran, rows } = JSON.parse(await tp(['bench', '../model.onnx', ...args], 'tp-fast'))
    expect(ran).toBe('fast')
    expect(rows).toHaveLength(1)
  })

  test('runs from code as its README says', async () => {
    const [program] = readBlocks(at('tp-fast/README.md'), 'ts')
    writeFileSync(at('program.ts'), program?.code ?? '')
    // Node 20 has no `await using`
    await done(['npx', 'esbuild', 'program.ts', '--format=esm', '--target=node20', '--outfile=program.mjs'])
    expect(await done([process.execPath, 'program.mjs'])).toContain("name: 'logits'")
  })
})

/** @param {string} path @param {'sh' | 'ts'} language */
function readBlocks(path, language) {
  return fencesOf(basename(path), readFileSync(path, 'utf8')).filter((block) => block.language === language)
}

const shared = process.env.TP_SHARED ?? join(root, '../shared')
if (existsSync(join(shared, 'models/minilm-sentiment/model.onnx'))) {
  test('the method of docs/plugins.md prunes minilm-sentiment, and has a row in its table', async () => {
    await done(['npm', 'create', 'tp-plugin', 'tp-outliers'])
    for (const { target = '', code } of readBlocks(join(root, 'docs/plugins.md'), 'ts')) {
      if (target.startsWith('tp-outliers/')) writeFileSync(at(target), code)
    }
    await done(['npm', 'run', 'build'], 'tp-outliers')
    const model = join(shared, 'models/minilm-sentiment/model.onnx')
    const plugin = ['--plugin', './tp-outliers']
    const cut = ['--method', 'outliers', '--keep', '0.7']
    expect(await tp(['prune', model, '-o', 'minilm.onnx', ...plugin, ...cut])).toContain('verified')
    const data = ['--data', join(shared, 'data/sst2/dev.tsv'), '--limit', '40']
    const table = await tp(['eval', model, ...data, ...plugin, '--methods', 'random,outliers', '--keep', '0.7'])
    expect(table).toMatch(/^outliers +0\.7 /m)
  })
} else {
  test.skip('the method of docs/plugins.md prunes minilm-sentiment (left out: no shared/models/minilm-sentiment)', () => {})
}
