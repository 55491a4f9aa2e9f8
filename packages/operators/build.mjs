// Builds the library with the operators into prebuilds/, which is published, or another folder: node build.mjs [TARGET …] [--to FOLDER]
//
// Without a target it is for this machine, by g++ or clang++. For targets by name (linux-x64, linux-arm64, darwin-arm64, win32-x64) it
// takes the compiler zig, which brings the C libraries of all of them: `pip install ziglang`. `TP_PYTHON` names the Python that has it.
// `CXX` names another compiler for either. Nothing but the system's C library is needed where the library runs; on Linux glibc 2.17 or newer if zig has built it.
import { execFile, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { compile, kernels } from './compile.mjs'

/** As zig names them. @type {Readonly<Record<string, string>>} */
const targets = {
  'linux-x64': 'x86_64-linux-gnu.2.17',
  'linux-arm64': 'aarch64-linux-gnu.2.17',
  'darwin-arm64': 'aarch64-macos.11.0',
  'win32-x64': 'x86_64-windows-gnu',
}

const { values, positionals: named } = parseArgs({
  options: { to: { type: 'string', default: fileURLToPath(new URL('prebuilds', import.meta.url)) } },
  allowPositionals: true,
})
if (named.length === 0) await build(`${process.platform}-${process.arch}`, [findCompiler()])
for (const target of named) {
  const zig = targets[target]
  if (zig === undefined) fail(`${target} is not a target; there are ${Object.keys(targets).join(', ')}`)
  await build(
    target,
    process.env.CXX ? [process.env.CXX] : [process.env.TP_PYTHON ?? 'python3', '-m', 'ziglang', 'c++', '-target', zig],
  )
}

/** @param {string} target @param {readonly string[]} compiler */
async function build(target, compiler) {
  const [platform = '', arch = ''] = target.split('-')
  const name = { darwin: 'libtp_operators.dylib', win32: 'tp_operators.dll' }[platform] ?? 'libtp_operators.so'
  const isWindows = platform === 'win32'
  const flags = [
    '-std=gnu++17',
    '-O3',
    '-fvisibility=hidden',
    '-Wall',
    '-Wextra',
    '-Wno-psabi',
    ...(isWindows ? [] : ['-fPIC']),
  ]
  const sources = [...kernels(arch), { source: join('native', 'register.cc'), flags: [] }]
  const objects = mkdtempSync(join(tmpdir(), 'tp-operators-'))
  try {
    const [program = '', ...first] = compiler
    const linked = await compile(compiler, flags, sources, objects)
    const library = join(objects, name)
    const run = promisify(execFile)
    await run(program, [...first, '-shared', ...linked, ...linking(platform, compiler.length === 1), '-o', library])
    const folder = join(values.to, target)
    mkdirSync(folder, { recursive: true })
    copyFileSync(library, join(folder, name))
    process.stdout.write(`${join(folder, name)}\n`)
  } finally {
    rmSync(objects, { recursive: true })
  }
}

/** Never unloaded, since onnxruntime keeps pointers to the operators; its parts of the C++ library are its own. @param {string} platform @param {boolean} isSystems whether the compiler is the system's, which links its C++ library as a file */
function linking(platform, isSystems) {
  const map = fileURLToPath(new URL('native/exports.map', import.meta.url))
  if (platform === 'linux') {
    const own = isSystems ? ['-static-libstdc++', '-static-libgcc'] : []
    return ['-Wl,-z,nodelete', `-Wl,--version-script=${map}`, '-s', ...own]
  }
  return platform === 'win32' ? ['-s'] : []
}

function findCompiler() {
  const names = process.env.CXX ? [process.env.CXX] : ['g++', 'clang++']
  const found = names.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0)
  return found ?? fail(`there is no ${names.join(' or ')}, which builds the library`)
}

/** @param {string} sentence @returns {never} */
function fail(sentence) {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}
