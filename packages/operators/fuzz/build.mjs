// Builds the program that fuzzes operators (main.cc) under AddressSanitizer and UndefinedBehaviorSanitizer, and runs it.
import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { compile, kernels } from '../compile.mjs'

const packageFolder = dirname(dirname(fileURLToPath(import.meta.url)))
const run = promisify(execFile)

export const operators = ['Rows', 'Pack', 'Unpack', 'PackedAttention', 'RoundRows', 'ScaleRows', 'RescaleRows']

/**
 * @typedef {object} Fuzzed
 * @property {string} operator
 * @property {number} cases
 * @property {number} computed
 * @property {number} refusedNodes
 * @property {number} refusedInputs
 * @property {number} seconds
 */

/**
 * Where the program runs: on this processor, on it by the compiler that macOS has and that prebuilt libraries are made with, or on an emulated
 * processor of ARM, on which AddressSanitizer does not run.
 * @typedef {'here' | 'clang' | 'arm64'} Target
 * @typedef {{ readonly compilers: readonly string[], readonly sanitizers: string, readonly emulator: readonly string[], readonly arch: string }} Machine
 * @type {Readonly<Record<Target, Machine>>}
 */
const targets = {
  here: { compilers: ['g++', 'clang++'], sanitizers: 'address,undefined', emulator: [], arch: process.arch },
  clang: { compilers: ['clang++'], sanitizers: 'address,undefined', emulator: [], arch: process.arch },
  arm64: {
    compilers: ['aarch64-linux-gnu-g++'],
    sanitizers: 'undefined',
    emulator: ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu'],
    arch: 'arm64',
  },
}

/** @param {Target} target */
function sanitizing(target) {
  return [`-fsanitize=${targets[target].sanitizers}`, '-fno-sanitize-recover=all', '-g']
}

// The stack that is kept to find uses after a return is not aligned for vectors of 64 bytes (GCC bug 110027).
export const environment = {
  ...process.env,
  ASAN_OPTIONS: 'detect_leaks=1:detect_stack_use_after_return=0:allocator_may_return_null=1',
  UBSAN_OPTIONS: 'print_stacktrace=1',
}

/**
 * A compiler whose programs run under the sanitizers, or why there is none.
 * @param {{ guided?: boolean, target?: Target }} options `guided`: one that has libFuzzer
 * @returns {{ readonly compiler: string } | { readonly reason: string }}
 */
export function findCompiler({ guided = false, target = 'here' } = {}) {
  if (process.platform !== 'linux') return { reason: 'the sanitizers are used on Linux only' }
  const { compilers, emulator } = targets[target]
  const named = target === 'here' ? process.env.CXX : undefined
  const names = named ? [named] : guided ? ['clang++'] : compilers
  const folder = mkdtempSync(join(tmpdir(), 'tp-sanitizers-'))
  try {
    const source = join(folder, 'main.cc')
    writeFileSync(
      source,
      guided ? 'extern "C" int LLVMFuzzerTestOneInput(const char*, long) { return 0; }' : 'int main() {}',
    )
    for (const compiler of names) {
      const program = join(folder, 'main')
      const flags = guided ? [...sanitizing(target), '-fsanitize=fuzzer'] : sanitizing(target)
      const built = spawnSync(compiler, [...flags, source, '-o', program], { stdio: 'ignore' })
      if (built.status !== 0) continue
      const [first, ...rest] = /** @type {[string, ...string[]]} */ ([...emulator, program])
      const ran = spawnSync(first, guided ? [...rest, '-runs=1'] : rest, { env: environment, stdio: 'ignore' })
      if (ran.status === 0) return { compiler }
    }
    const where = emulator.length === 0 ? '' : `, which run in ${emulator[0]}`
    return {
      reason: `${names.join(' and ')}: none is here that builds programs with${guided ? ' libFuzzer and' : ''} sanitizers${where}`,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** @param {Target} target */
function sourcesOf(target) {
  const own = ['cases', 'expected', 'expected_attention', 'host', 'main'].map((name) => join('fuzz', `${name}.cc`))
  // Code that only constructs is compiled quickly.
  return [...kernels(targets[target].arch), ...own.map((source) => ({ source, flags: ['-O0'] }))]
}

/**
 * The program's path; built only where it was not yet, of the same sources.
 * @param {string} compiler
 * @param {{ guided?: boolean, target?: Target }} options
 * @returns {Promise<string>}
 */
export async function buildFuzzer(compiler, { guided = false, target = 'here' } = {}) {
  const flags = ['-std=gnu++17', '-O1', ...sanitizing(target), '-Wall', '-Wextra', '-Wno-psabi']
  // onnxruntime's functions are called by types that only fit in C: structures that it does not name have other names here.
  if (basename(compiler).includes('clang')) flags.push('-fno-sanitize=function')
  if (guided) flags.push('-DTP_LIBFUZZER', '-fsanitize=fuzzer-no-link')
  const folder = join(packageFolder, 'build', 'fuzz', target)
  const program = join(folder, `${basename(compiler)}-${guided ? 'guided-' : ''}${fingerprint(compiler, flags)}`)
  if (existsSync(program)) return program
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const objects = mkdtempSync(join(tmpdir(), 'tp-fuzz-'))
  try {
    const linked = await compile([compiler], flags, sourcesOf(target), objects)
    const built = join(objects, 'fuzz')
    const last = ['-pthread', ...(guided ? ['-fsanitize=fuzzer'] : [])]
    await run(compiler, [...flags, ...linked, ...last, '-o', built])
    const moved = `${program}.${process.pid}`
    writeFileSync(moved, readFileSync(built), { mode: 0o755 })
    renameSync(moved, program)
  } finally {
    rmSync(objects, { recursive: true })
  }
  return program
}

/** @param {string} compiler @param {readonly string[]} flags */
function fingerprint(compiler, flags) {
  const hash = createHash('sha256').update(JSON.stringify([compiler, flags]))
  for (const folder of ['native', 'fuzz']) {
    for (const name of readdirSync(join(packageFolder, folder)).sort()) {
      if (/\.(cc|h|inl)$/.test(name)) hash.update(name).update(readFileSync(join(packageFolder, folder, name)))
    }
  }
  return hash.digest('hex').slice(0, 16)
}

/**
 * Runs cases of one operator from a random generator.
 * @param {string} program
 * @param {string} operator
 * @param {number} cases
 * @param {number} seed
 * @param {Target} target what the program was built for
 * @returns {Promise<Fuzzed>}
 * @throws Error with the sanitizer's report
 */
export async function fuzz(program, operator, cases, seed, target = 'here') {
  const { emulator } = targets[target]
  const [first, ...rest] = /** @type {[string, ...string[]]} */ ([...emulator, program])
  const { stdout } = await run(first, [...rest, operator, String(cases), String(seed)], {
    env: environment,
    maxBuffer: 2 ** 26,
  })
  return JSON.parse(stdout)
}
