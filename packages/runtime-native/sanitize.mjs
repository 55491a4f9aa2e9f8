// Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer in a folder of its own, runs this package's tests on it, and
// fails if either reports anything: npm run sanitize. Takes GCC or Clang on Linux, and minutes, so it is not part of the tests.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withHeaders } from './headers.mjs'

const packageFolder = dirname(fileURLToPath(import.meta.url))
const require = createRequire(import.meta.url)
const compiler = process.env.CXX ?? 'g++'
const folder = mkdtempSync(join(tmpdir(), 'tp-sanitize-'))
const reports = join(folder, 'reports')

try {
  build()
  test()
} finally {
  rmSync(folder, { recursive: true })
}

function build() {
  for (const name of ['binding.gyp', 'kernels.mjs', 'native', 'package.json'])
    cpSync(join(packageFolder, name), join(folder, name), { recursive: true })
  symlinkSync(join(packageFolder, 'node_modules'), join(folder, 'node_modules'))
  const nodeGyp = require.resolve('node-gyp/bin/node-gyp.js')
  const env = withHeaders()
  execFileSync(process.execPath, [nodeGyp, 'rebuild', '--sanitize=address,undefined'], {
    cwd: folder,
    env,
    stdio: 'inherit',
  })
}

function test() {
  mkdirSync(reports)
  const options = `log_path=${join(reports, 'report')}:print_stacktrace=1`
  const runtime = execFileSync(compiler, ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim()
  const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
  // Not the test of installing: a Node without the sanitizer cannot load this addon.
  const which = ['--project=@tp/runtime-native', '--exclude=test/install.test.ts', '--no-file-parallelism']
  const args = ['run', ...which, '--testTimeout=300000', '--hookTimeout=60000', ...process.argv.slice(2)]
  const { status, stderr } = spawnSync(process.execPath, [vitest, ...args], {
    cwd: packageFolder,
    stdio: ['ignore', 'inherit', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: {
      ...process.env,
      // Node itself is not built with the sanitizer, which therefore has to be there before everything else.
      LD_PRELOAD: runtime,
      // Node and onnxruntime keep memory until the end of the process on purpose, so leaks are not checked here, but in test/soak.mjs.
      // Freed memory is watched for a while only, since some tests bound the memory that runs take.
      // The stack that is kept to find uses after a return is not aligned for vectors of 64 bytes (GCC bug 110027).
      ASAN_OPTIONS: `${options}:detect_leaks=0:quarantine_size_mb=32:detect_stack_use_after_return=0`,
      UBSAN_OPTIONS: options,
      // Where node-gyp-build looks for this package's addon first.
      '@TP/RUNTIME_NATIVE_PREBUILD': folder,
    },
  })
  process.stderr.write(stderr)
  // Undefined behavior is reported on stderr, and ends the process.
  const found = readdirSync(reports).map((name) => readFileSync(join(reports, name), 'utf8'))
  for (const report of found) process.stderr.write(report)
  const count = found.length + (stderr.match(/: runtime error: /g)?.length ?? 0)
  process.stdout.write(`sanitizers: ${count} reports\n`)
  if (status !== 0 || count > 0) process.exitCode = 1
}
