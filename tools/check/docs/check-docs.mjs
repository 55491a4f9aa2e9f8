import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, dirname, join, sep } from 'node:path'
import { runCommand } from '../command.mjs'
import { failed, passed } from '../outcome.mjs'
import { root, tool, workspacePackages } from '../workspace.mjs'
import { fencesOf } from './fences.mjs'
import { freshClone } from './fresh-clone.mjs'
import { missingLine } from './output.mjs'
import { installTarballs, linkPluginTools, openSandbox } from './sandbox.mjs'

/**
 * @typedef {import('./fences.mjs').Fence} Fence
 * @typedef {import('../outcome.mjs').Outcome} Outcome
 */

/**
 * Runs every `sh` and `ts` block of the READMEs, of CONTRIBUTING.md and of docs/, with the packed packages installed that the
 * document says to install (all of them, where it says nothing). CONTRIBUTING.md has the conventions.
 * @param {string} scratch
 * @param {readonly import('../tarballs.mjs').Tarball[]} tarballs
 * @param {{ exhaustive: boolean }} options `exhaustive`: also blocks marked `slow`
 * @returns {Promise<Outcome[]>}
 */
export async function checkDocs(scratch, tarballs, { exhaustive }) {
  const installed = join(scratch, 'installed')
  await installTarballs(installed, tarballs)
  linkPluginTools(installed)
  const files = documents()
  /** @type {Outcome[][]} */
  const outcomes = []
  // Documents are independent: one at a time per processor.
  const list = files.entries()
  const takeTurns = async () => {
    for (const [i, file] of list) outcomes[i] = await followDocument(file, { scratch, installed, tarballs, exhaustive })
  }
  await Promise.all(cpus().map(takeTurns))
  return outcomes.flat()
}

/**
 * @param {string} file
 * @param {{ scratch: string, installed: string, tarballs: readonly import('../tarballs.mjs').Tarball[], exhaustive: boolean }} at
 * @returns {Promise<Outcome[]>}
 */
async function followDocument(file, { scratch, installed, tarballs, exhaustive }) {
  const fences = fencesOf(file, readFileSync(join(root, file), 'utf8'))
  const sandbox = join(scratch, 'documents', file.replaceAll('/', '-'))
  const names = fences.filter(isInstallation).flatMap(({ code }) => namesIn(code))
  const own = `${sandbox}-installed`
  if (names.length > 0) await installTarballs(own, tarballs, names)
  if (fences.length > 0) openSandbox(sandbox, names.length > 0 ? own : installed)
  const types = await compile(fences, sandbox)
  const outcomes = []
  for (const fence of fences) outcomes.push(await follow(fence, sandbox, { types, exhaustive }))
  return outcomes
}

/** @returns {string[]} relative to the root */
function documents() {
  const docs = existsSync(join(root, 'docs')) ? readdirSync(join(root, 'docs')).map((name) => `docs/${name}`) : []
  const readmes = workspacePackages().map(({ folder }) => `${folder}/README.md`)
  return ['README.md', 'CONTRIBUTING.md', ...docs, ...readmes].filter(
    (file) => file.endsWith('.md') && existsSync(join(root, file)),
  )
}

/**
 * Writes each `ts` block to a file of its own and compiles them together.
 * @param {readonly Fence[]} fences
 * @param {string} sandbox
 * @returns {Promise<string>} output of the compiler
 */
async function compile(fences, sandbox) {
  const programs = fences.filter((fence) => fence.language === 'ts' && !fence.skip && !fence.target)
  if (programs.length === 0) return ''
  for (const fence of programs) writeFileSync(join(sandbox, `${programName(fence)}.ts`), fence.code)
  const config = {
    extends: join(root, 'tsconfig.base.json'),
    compilerOptions: {
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
      composite: false,
      declaration: false,
      declarationMap: false,
      isolatedDeclarations: false,
      sourceMap: false,
    },
    files: programs.map((fence) => `${programName(fence)}.ts`),
  }
  const file = join(sandbox, 'tsconfig.programs.json')
  writeFileSync(file, JSON.stringify(config))
  const { output } = await runCommand([...tool('typescript/bin/tsc'), '-p', file, '--pretty', 'false'], {
    cwd: sandbox,
  })
  return output
}

/** @param {Fence} fence */
function programName({ file, line }) {
  return `${basename(file, '.md').toLowerCase()}-line-${line}`
}

/**
 * @param {Fence} fence
 * @param {string} sandbox
 * @param {{ types: string, exhaustive: boolean }} options `types`: output of the compiler for the programs
 * @returns {Promise<Outcome>}
 */
async function follow(fence, sandbox, { types, exhaustive }) {
  const name = `${fence.file}:${fence.line} ${fence.language === 'sh' ? fence.code.split('\n')[0] : '(program)'}`
  if (fence.skip) return { name, state: 'skipped', note: fence.skip }
  if (fence.needs && !existsSync(join(root, fence.needs))) {
    return { name, state: 'skipped', note: `${fence.needs} is not built on this machine` }
  }
  if (fence.target) return writeTarget(`${fence.file}:${fence.line} (${fence.target})`, fence, sandbox)
  const env = { TURBO_TELEMETRY_DISABLED: '1', NO_COLOR: '1' }
  // A search takes minutes, and a clone is set up first.
  const timeoutMs = fence.clone ? 3_600_000 : fence.slow ? 900_000 : 120_000
  const options = { cwd: sandbox, env, timeoutMs }
  if (fence.first) {
    const { ok, output } = await runCommand(['bash', '-euo', 'pipefail', '-c', fence.first], options)
    if (!ok) return failed(name, `${fence.first}\n${output}`)
  }
  if (fence.language === 'ts') {
    const complaints = types.split('\n').filter((line) => line.startsWith(`${programName(fence)}.ts`))
    if (complaints.length > 0) return failed(name, complaints.join('\n'))
    if (!existsSync(join(sandbox, `${programName(fence)}.js`))) return failed(name, types)
  }
  if (fence.inside) options.cwd = join(sandbox, fence.inside)
  if (fence.slow && !exhaustive) return { name, state: 'skipped', note: 'slow: npm test -- exhaustive runs it' }
  if (fence.clone) {
    options.cwd = `${sandbox}-clone-${fence.line}`
    freshClone(options.cwd)
  }
  if (isInstallation(fence)) return judgeInstallation(name, fence.code)
  const command =
    fence.language === 'ts'
      ? [process.execPath, `${programName(fence)}.js`]
      : ['bash', '-euo', 'pipefail', '-c', fence.code]
  const { ok, output } = await runCommand(command, options)
  if (!ok) return failed(name, `${fence.code}\n${output}`)
  const missing = fence.output === undefined ? undefined : missingLine(fence.output, output)
  return missing === undefined ? passed(name) : failed(name, `does not print "${missing}" there, but\n${output}`)
}

/** @param {string} name @param {Fence} fence @param {string} sandbox */
function writeTarget(name, { target = '', code }, sandbox) {
  const path = join(sandbox, target)
  // Much of a sandbox is linked from the repository, which documents must not change.
  if (!existsSync(dirname(path)) || !realpathSync(dirname(path)).startsWith(realpathSync(sandbox) + sep)) {
    return failed(name, `${dirname(target)} is not a folder made by the document`)
  }
  writeFileSync(path, `${code}\n`)
  return passed(name)
}

/** @param {Fence} fence */
function isInstallation({ language, code }) {
  return language === 'sh' && code.split('\n').every((line) => /^npm (install|i) /.test(line))
}

/** @param {string} code */
function namesIn(code) {
  return code
    .split(/\s+/)
    .filter((word) => word !== 'npm' && word !== 'install' && word !== 'i' && !word.startsWith('-'))
}

/**
 * Before the first release the packages are on no registry: this checks that the names exist and that the installed packages
 * satisfy the peers.
 * @param {string} name
 * @param {string} code
 */
function judgeInstallation(name, code) {
  const named = namesIn(code)
  const own = new Map(workspacePackages().map(({ manifest }) => [manifest.name, manifest]))
  const peers = new Set(named.flatMap((word) => Object.keys(own.get(word)?.peerDependencies ?? {})))
  const unknown = named.filter((word) => !own.has(word) && !peers.has(word))
  // npm installs peers by itself, so only unknown names are wrong.
  return unknown.length === 0
    ? passed(name)
    : failed(name, `neither a package of this repository nor a peer of one: ${unknown.join(', ')}`)
}
