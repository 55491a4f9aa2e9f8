// The package as npm installs it, outside of the workspace and on a machine without a compiler.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { runtimeModels } from '@tp/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addon, describeNative, packageFolder } from './native.ts'

/** An installation of the packed package. */
interface Installed {
  /** Runs a program of Node with nothing else on the path. */
  run(args: readonly string[]): { readonly status: number | null; readonly output: string }
  readonly folder: string
}

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(realpathSync(tmpdir()), 'tp-install-'))
  writeFileSync(join(scratch, 'sum.onnx'), runtimeModels.sumModel)
})
afterAll(() => rmSync(scratch, { recursive: true }))

function install(name: string, prebuilt?: string): Installed {
  const source = join(scratch, `${name}-source`)
  const outside = new Set(['build', 'node_modules', 'prebuilds'].map((ignored) => join(packageFolder, ignored)))
  cpSync(packageFolder, source, { recursive: true, filter: (path) => !outside.has(path) })
  if (prebuilt !== undefined) {
    const prebuilds = join(source, 'prebuilds', `${process.platform}-${process.arch}`)
    mkdirSync(prebuilds, { recursive: true })
    cpSync(prebuilt, join(prebuilds, 'tp_native.node'))
  }
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', scratch, '--json'], {
    cwd: source,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]

  const root = join(scratch, name)
  const modules = join(root, 'node_modules')
  const folder = join(modules, '@tp', 'runtime-native')
  mkdirSync(folder, { recursive: true })
  execFileSync('tar', ['xzf', join(scratch, basename(filename)), '-C', folder, '--strip-components=1'])
  // Its dependencies and peers are the workspace's.
  const own = join(packageFolder, 'node_modules')
  for (const dependency of [
    '@tp/core',
    '@tp/operators',
    '@tp/runtime-node',
    'node-addon-api',
    'node-gyp-build',
    'onnxruntime-node',
  ]) {
    symlinkSync(realpathSync(join(own, dependency)), join(modules, dependency))
  }
  // npm's path for install scripts, with nothing that builds.
  const bin = join(modules, '.bin')
  mkdirSync(bin)
  symlinkSync(process.execPath, join(bin, 'node'))
  symlinkSync(join(modules, 'node-gyp-build', 'bin.js'), join(bin, 'node-gyp-build'))
  symlinkSync(join(modules, 'node-gyp-build', 'build-test.js'), join(bin, 'node-gyp-build-test'))
  symlinkSync(realpathSync(join(own, 'node-gyp', 'bin', 'node-gyp.js')), join(bin, 'node-gyp'))

  function run(args: readonly string[]): { status: number | null; output: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: args[0] === 'install.mjs' ? folder : root,
      encoding: 'utf8',
      env: { PATH: bin, HOME: scratch },
    })
    return { status, output: stdout + stderr }
  }
  return { run, folder }
}

const program = (runtime: 'runtime-native' | 'runtime-node'): string[] => [
  '--input-type=module',
  '--eval',
  `import * as runtimes from '@tp/${runtime}'
   const { load } = (runtimes.nativeRuntime ?? runtimes.nodeRuntime)()
   try {
     const session = await load('../sum.onnx')
     const one = { type: 'float32', dims: [1, 1, 2], data: Float32Array.of(1, 2) }
     console.log((await session.run({ a: one, b: one })).y.data.join())
   } catch (error) {
     console.log(error.code, error.message)
   }`,
]

describeNative('with a prebuilt addon', () => {
  test('runs models without a build', { timeout: 120_000 }, () => {
    const { run, folder } = install('prebuilt', addon)
    expect(run(['install.mjs'])).toEqual({ status: 0, output: '' })
    expect(existsSync(join(folder, 'build'))).toBe(false)
    expect(existsSync(join(folder, 'prebuilds'))).toBe(true)
    expect(run(program('runtime-native'))).toEqual({ status: 0, output: '2,4\n' })
  })
})

describe('without a prebuilt addon and without a compiler', () => {
  let installed: Installed
  beforeAll(() => {
    installed = install('nothing')
  }, 120_000)

  test('installs without failing, and says what to do', () => {
    const { status, output } = installed.run(['install.mjs'])
    expect(status).toBe(0)
    expect(output).toContain('@tp/runtime-native: the addon could not be built')
    expect(output).toContain('npm rebuild @tp/runtime-native')
  })

  test('says what is missing when a model is loaded', () => {
    const { status, output } = installed.run(program('runtime-native'))
    expect(status).toBe(0)
    expect(output).toMatch(/^TP_RUNTIME_MISSING \[runtime-native\] the addon cannot be loaded/)
    expect(output).toContain('With a C++ compiler, make and Python 3 run: npm rebuild @tp/runtime-native')
    expect(output).toContain('use @tp/runtime-node')
  })

  test('runs the model in @tp/runtime-node', () => {
    expect(installed.run(program('runtime-node'))).toEqual({ status: 0, output: '2,4\n' })
  })
})
