import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { groupNames } from '../run.mjs'
import { readJson, root, workspacePackages } from '../workspace.mjs'

const manifests = [
  readJson('package.json'),
  ...workspacePackages().map(({ folder }) => readJson(join(folder, 'package.json'))),
]
const scripts = new Set(manifests.flatMap(({ scripts = {} }) => Object.keys(scripts)))
const names = new Set(manifests.map(({ name }) => name))

/** Programs of the workspace that `npx` finds. */
const programs = new Set(
  ['.', ...workspacePackages().map(({ folder }) => folder)].flatMap((folder) => {
    const bin = join(root, folder, 'node_modules/.bin')
    return existsSync(bin) ? readdirSync(bin) : []
  }),
)

/** The commands of npm itself. */
const ofNpm = new Set(['rebuild', 'publish', 'deprecate', 'version', 'audit', 'ci', 'pack', 'link'])

/**
 * The arguments of a call of tp.
 * @param {readonly string[]} call
 * @returns {readonly string[] | undefined} undefined for another program
 */
export function argumentsOfTp(call) {
  const [program, ...rest] = call[0] === 'npx' ? withoutOptionsOfNpx(call.slice(1)) : call
  return program === 'tp' || program === '@tp/cli' ? rest : undefined
}

/** Programs that a reader has. */
const ofReaders = new Set(['script.js', './prune.js'])

/**
 * The mistake in a call of npm, npx or node: a script, a package, a program or a file that is not there.
 * @param {readonly string[]} call
 * @param {string} folder of the document that prints it, relative to the root
 * @returns {string | undefined}
 */
export function problemOfCall([program, ...args], folder) {
  if (program === 'npm') return problemOfNpm(args)
  if (program === 'npx') return problemOfNpx(withoutOptionsOfNpx(args))
  if (program === 'node') {
    const file = args.find((arg) => !arg.startsWith('-'))
    const isThere =
      file === undefined || ofReaders.has(file) || ['', folder].some((from) => existsSync(join(root, from, file)))
    return isThere ? undefined : `there is no file ${file}`
  }
  return undefined
}

/** @param {readonly string[]} args */
function problemOfNpm([command = '', ...args]) {
  const [first = ''] = args
  if (command === 'run') {
    if (!isOpen(first) && !scripts.has(first)) return `no package has a script ${first}`
    return problemOfScript(first, args.slice(args[1] === '--' ? 2 : 1))
  }
  if (command === 'test' || command === 't') {
    const groups = args.filter((arg) => arg !== '--')
    const unknown = groups.find((group) => !isOpen(group) && !groupNames().includes(group))
    return unknown === undefined ? undefined : `npm test has no group ${unknown}`
  }
  if (command === 'create') {
    const made = `create-${first.replace(/@.*$/, '')}`
    return names.has(made) ? undefined : `there is no package ${made}`
  }
  // Names of packages: the group docs judges blocks; npm finds those of others.
  if (command === 'install' || command === 'i' || ofNpm.has(command)) {
    const ours = args.filter((arg) => arg.startsWith('@tp/')).map((arg) => arg.replace(/(?<=.)@[^/]*$/, ''))
    const unknown = ours.find((arg) => !isOpen(arg) && !names.has(arg))
    return unknown === undefined ? undefined : `there is no package ${unknown}`
  }
  return `npm has no command ${command}`
}

/**
 * Arguments of a script of the root that it does not take, by its own help.
 * @param {string} script
 * @param {readonly string[]} args
 */
function problemOfScript(script, args) {
  const help = script === 'benchmark' ? helpOfBenchmark() : script === 'models' ? listOfModels() : undefined
  if (help === undefined) return undefined
  const isValue = (/** @type {number} */ i) => /^--(only|python|kinds)$/.test(args[i - 1] ?? '')
  const unknown = args.find(
    (arg, i) => !isOpen(arg) && !isValue(i) && !new RegExp(`(?<![\\w-])${arg}(?![\\w-])`).test(help),
  )
  return unknown === undefined ? undefined : `npm run ${script} takes no ${unknown}`
}

/** @type {Map<string, string>} */
const helps = new Map()

/** @param {readonly string[]} command of Node */
function printedBy(command) {
  const known = helps.get(command.join(' '))
  if (known !== undefined) return known
  const printed = execFileSync(process.execPath, command, { cwd: root, encoding: 'utf8' })
  helps.set(command.join(' '), printed)
  return printed
}

const helpOfBenchmark = () => printedBy(['apps/benchmark/dist/cli.js', '--help'])
const listOfModels = () => {
  const main = "import('./tools/real-models/dist/main.js').then(({ main }) => main(['list']))"
  return `list\n${printedBy(['-e', main])}`
}

/** @param {readonly string[]} args */
function problemOfNpx([program = '', ...args]) {
  if (program === '@tp/cli' || isOpen(program)) return undefined
  if (!programs.has(program) && !names.has(program)) return `there is no program ${program}`
  const file = program === 'vitest' && args[0] === 'run' ? args[1] : undefined
  if (file === undefined || file.startsWith('-') || existsSync(join(root, file))) return undefined
  return workspacePackages().some(({ folder }) => existsSync(join(root, folder, file)))
    ? undefined
    : `there is no file ${file}`
}

/** Something is left open there. @param {string} word */
function isOpen(word) {
  return word === '' || word.includes('…') || /^[A-Z]+$/.test(word)
}

/** @param {readonly string[]} args */
function withoutOptionsOfNpx(args) {
  const rest = [...args]
  while (rest[0]?.startsWith('-')) if (['-p', '--package'].includes(rest.shift() ?? '')) rest.shift()
  return rest
}
