// The library as programs load it: built here by the system's compiler, registered by the examples of the README and by two onnxruntimes at once.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pack, transform } from '@tp/compiler'
import { createModel, createNode, decodeModel, encodeModel, Graph } from '@tp/onnx'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const packageFolder = fileURLToPath(new URL('..', import.meta.url))
const onnxruntimes = join(
  dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')),
  `bin/napi-v6/${process.platform}`,
)
const onnxruntime = join(onnxruntimes, process.arch, 'libonnxruntime.so.1')
const emulated = join(onnxruntimes, 'arm64', 'libonnxruntime.so.1')
const headers = [process.env.TP_ORT_INCLUDE ?? '', '/usr/include/onnxruntime'].find((folder) =>
  existsSync(join(folder, 'onnxruntime_cxx_api.h')),
)

function has(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
}

/** Tests that need a compiler; skipped with the reason where there is none. */
function describeBuilt(name: string, tests: () => void): void {
  if (process.platform === 'linux' && existsSync(onnxruntime) && has('g++')) describe(name, tests)
  else test.skip(`${name} (left out: it takes Linux, g++ and a library of onnxruntime-node)`, () => {})
}

let folder: string
let library: string
beforeAll(() => {
  folder = mkdtempSync(join(realpathSync(tmpdir()), 'tp-library-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function build(args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const options = { cwd: packageFolder, encoding: 'utf8', env: { ...process.env, ...env } } as const
  return execFileSync(process.execPath, ['build.mjs', ...args, '--to', folder], options).trim()
}

function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${status}\n${stdout}${stderr}`)
  return stdout
}

describeBuilt('the library', () => {
  beforeAll(() => {
    library = build([])
  })

  test('exports RegisterCustomOps alone', () => {
    const symbols = run('nm', ['--dynamic', '--defined-only', '--format=just-symbols', library])
    expect(symbols.trim().split('\n')).toEqual(['RegisterCustomOps'])
  })

  test('brings its C++ library with it', () => {
    const needed = run('readelf', ['--wide', '--dynamic', library]).match(/(?<=\(NEEDED\).*\[).*(?=\])/g) ?? []
    expect(needed.filter((name) => !/^(libc|libm|libpthread|libdl|ld-linux)\b/.test(name))).toEqual([])
  })

  test('serves two onnxruntimes at once, each by its own functions, and refuses one that is too old', () => {
    const second = join(folder, 'second.so')
    copyFileSync(onnxruntime, second)
    writeFileSync(join(folder, 'rounding.onnx'), roundingModel())
    const sources = ['test/two-runtimes.cc', 'native/ort.cc'].map((name) => join(packageFolder, name))
    run('g++', ['-std=gnu++17', '-Wall', ...sources, '-o', 'two-runtimes', '-ldl', '-pthread'])
    const said = run(join(folder, 'two-runtimes'), [library, onnxruntime, second, 'rounding.onnx'])
    expect(said).toBe(
      '40 and 80 outputs; the operators of packed models cannot be added: it is onnxruntime 1.16.3; 1.17 or newer is needed\n',
    )
  })

  if (headers === undefined) {
    test.skip("runs the README's examples (left out: onnxruntime's headers are not here; TP_ORT_INCLUDE names their folder, on Debian libonnxruntime-dev has them)", () => {})
  } else {
    test.each([
      ['c', 'gcc', []],
      ['cpp', 'g++', ['-std=c++17']],
    ])('runs the example in %s of the README', (language, compiler, flags) => {
      buildExample(language, [compiler, ...flags], onnxruntime, library)
      expect(run(join(folder, 'example'), [])).toMatch(logits)
    })

    const lacking = ['aarch64-linux-gnu-g++', 'qemu-aarch64'].filter((program) => !has(program))
    test.skipIf(lacking.length > 0 || !existsSync(emulated))(
      `runs the example on an emulated processor of ARM${lacking.length > 0 ? ` (left out: there is no ${lacking.join(' or ')})` : ''}`,
      { tags: 'exhaustive' },
      () => {
        const cross = 'aarch64-linux-gnu-g++'
        buildExample('cpp', [cross, '-std=c++17'], emulated, build(['linux-arm64'], { CXX: cross }))
        expect(run('qemu-aarch64', ['-L', '/usr/aarch64-linux-gnu', join(folder, 'example')])).toMatch(logits)
      },
    )
  }
})

const logits = /^-?\d+\.\d+ -?\d+\.\d+\n$/

/** Leaves `example`, with the library and the model that it opens next to it. */
function buildExample(language: string, compiler: readonly string[], linked: string, operators: string): void {
  const [program = '', ...flags] = compiler
  const dense = decodeModel(readFileSync(join(packageFolder, '../models/mail/model.onnx')))
  writeFileSync(join(folder, 'packed.onnx'), encodeModel(transform(dense, pack()).model))
  copyFileSync(operators, join(folder, 'libtp_operators.so'))
  writeFileSync(join(folder, `example.${language}`), exampleIn(language))
  const last = [linked, `-Wl,-rpath,${dirname(linked)}`, '-o', 'example']
  run(program, [...flags, '-Wall', '-Werror', `-I${headers}`, `example.${language}`, ...last])
}

function exampleIn(language: string): string {
  const readme = readFileSync(join(packageFolder, 'README.md'), 'utf8')
  const [, text] = new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'm').exec(readme) ?? []
  if (text === undefined) throw new Error(`the README has no example in ${language}`)
  return text
}

function roundingModel(): Uint8Array {
  const model = createModel(17)
  const [opset] = model.proto.opsetImport
  if (opset !== undefined) model.proto.opsetImport.push({ ...opset, domain: 'tp', version: 1n })
  const graph = new Graph(model)
  graph.addInput('x', 'float32', [2, 3])
  const attributes = { steps: 127, zero: 128, least: 0 }
  graph.insert([
    createNode({
      type: 'RoundRows',
      domain: 'tp',
      name: 'round',
      inputs: ['x'],
      outputs: ['rounded', 'scale'],
      attributes,
    }),
  ])
  graph.addOutput('rounded', 'uint8', [2, 3])
  graph.addOutput('scale', 'float32', [2, 1])
  return encodeModel(model)
}
