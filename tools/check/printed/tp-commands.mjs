import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../command.mjs'
import { root } from '../workspace.mjs'

/** @typedef {{ code: number, stdout: string, stderr: string }} Ended */

/** @returns {Promise<Record<string, { operands: string[], load(): Promise<{ options: Record<string, { type: string, short?: string }> }> }>>} */
async function table() {
  return (await import(`${root}/packages/cli/dist/commands/index.js`)).commands
}

/** Words after `tp` that are not a command of the table. */
const others = new Set(['help', 'complete', '--help', '-h', '--version', '-v', 'COMMAND'])

/**
 * Runs command lines one after the other, in one process.
 * @param {readonly { readonly cwd: string, readonly args: readonly string[] }[]} lines `args`: of tp
 * @param {{ readsOnly?: boolean }} [options] `readsOnly`: what would begin to work without reading a file only reads its arguments
 * @returns {Promise<Ended[]>}
 */
export async function runLines(lines, { readsOnly = false } = {}) {
  const scratch = mkdtempSync(join(tmpdir(), 'tp-lines-'))
  try {
    const [requested, answered] = [join(scratch, 'asked.json'), join(scratch, 'answered.json')]
    writeFileSync(requested, JSON.stringify({ lines, readsOnly }))
    const program = fileURLToPath(new URL('tp-lines.mjs', import.meta.url))
    const { ok, output } = await runCommand([process.execPath, program, requested, answered], {
      cwd: scratch,
      timeoutMs: 3_600_000,
    })
    if (!ok) throw new Error(`tp-lines ended: ${output}`)
    return JSON.parse(readFileSync(answered, 'utf8'))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/**
 * The mistake at the beginning of a command: a name or an option that tp does not have.
 * @param {readonly string[]} args
 * @returns {Promise<string | undefined>}
 */
export async function problemOfMention([name = '', ...rest]) {
  if (name === '' || others.has(name) || name.includes('…') || name.startsWith('--')) return undefined
  const entry = (await table())[name]
  if (entry === undefined) return `tp has no command ${name}`
  const { options } = await entry.load()
  const shorts = Object.values(options).map(({ short }) => `-${short}`)
  const known = new Set([
    ...Object.keys(options).map((option) => `--${option}`),
    ...shorts,
    '--verbose',
    '--help',
    '-h',
  ])
  const unknown = rest.map((arg) => arg.replace(/=.*$/, '')).find((arg) => /^--?[a-z]/.test(arg) && !known.has(arg))
  return unknown === undefined ? undefined : `tp ${name} has no option ${unknown}`
}

/**
 * Whether a command in a sentence is all that is to be typed: it names a file, and nothing is left open.
 * @param {readonly string[]} args
 */
export async function isWhole([name = '', ...rest]) {
  const entry = (await table())[name]
  if (entry === undefined || rest.some((arg) => arg.includes('…') || arg.startsWith('['))) return false
  const [first = ''] = rest
  return entry.operands.length > 0 && first !== '' && !first.startsWith('-') && !/^[A-Z]+$/.test(first)
}

/**
 * The mistakes in command lines, as the command itself reports them: each reads its arguments, its plan and its trained values,
 * and ends where it does not find the first model.
 * @param {readonly (readonly string[])[]} lines
 * @returns {Promise<Map<string, string>>} the mistakes, by the line in one text
 */
export async function problemsOfLines(lines) {
  const distinct = [...new Map(lines.map((args) => [args.join(' '), args])).values()]
  const scratch = mkdtempSync(join(tmpdir(), 'tp-without-models-'))
  try {
    const placed = distinct.map((args, i) => ({ cwd: join(scratch, `${i}`), args }))
    for (const { cwd, args } of placed) {
      // Written files have their folder.
      for (const path of ['.', ...args])
        if (!path.includes(':')) mkdirSync(join(cwd, dirname(path)), { recursive: true })
      for (const [path, content] of filesReadFirst(args)) writeFileSync(join(cwd, path), content)
    }
    const ended = await runLines(placed, { readsOnly: true })
    const learned = await learnedMethods()
    return new Map(
      distinct.flatMap((args, i) => {
        const without =
          args[0] === 'train' || args.includes('--weights')
            ? undefined
            : methodsOf(args).find((name) => learned.has(name))
        if (without !== undefined)
          return [[args.join(' '), `${without} works with trained values, and --weights is missing`]]
        const { code, stderr } = /** @type {Ended} */ (ended[i])
        const model = args[1]?.replace(/^.*=/, '') ?? ''
        const isMissing = stderr.includes('code: TP_FILE_NOT_FOUND') && stderr.includes(model)
        return code === 0 || isMissing ? [] : [[args.join(' '), stderr.trim()]]
      }),
    )
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Methods that prune by trained values: some commands look for these only when the model is read. @returns {Promise<Set<string>>} */
async function learnedMethods() {
  const { loadMethods } = await import(`${root}/packages/cli/dist/index.js`)
  const { needsValues } = await import(`${root}/packages/core/dist/host/index.js`)
  /** @type {Map<string, { entry: { create(): object } }>} */
  const methods = await loadMethods()
  return new Set([...methods].flatMap(([name, { entry }]) => (needsValues(entry.create()) ? [name] : [])))
}

/** @param {readonly string[]} args */
function methodsOf(args) {
  return args.flatMap((arg, i) => (/^--(methods?|then)$/.test(args[i - 1] ?? '') ? arg.split(/[,+]/) : []))
}

/** Plans and trained values, which are read before the model. @param {readonly string[]} args @returns {[string, string][]} */
function filesReadFirst(args) {
  return args.flatMap((arg, i) => {
    const value = args[i + 1] ?? ''
    if (arg === '--plan') return [[value, planFor(args)]]
    return arg === '--weights' ? [[value, '\x02\0\0\0\0\0\0\0{}']] : []
  })
}

/** A plan that goes with the other options of a line. @param {readonly string[]} args */
export function planFor(args) {
  return JSON.stringify({ format: 1, method: args.includes('--weights') ? 'sdtp' : 'random', keep: 0.7 })
}
