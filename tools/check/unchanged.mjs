import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.mjs'
import { root, tool } from './workspace.mjs'

/**
 * The outcomes of the tests of a package, by the files they read: turbo's hash of the package's files, of the sources of all
 * packages that it depends on, of the lockfile and of this folder.
 * @typedef {{ key: string, outcomes: import('./outcome.mjs').Outcome[], slow: number }} Kept
 */

const folder = join(root, 'node_modules/.cache/tp-tests')

/** @param {string} project */
const fileOf = (project) => join(folder, `${project.replaceAll('/', '+')}.json`)

/**
 * @returns {Promise<Record<string, string>>} by package, a key that changes with whatever its tests read; empty where turbo gives none
 */
export async function keysOfTests() {
  const shared = process.env.TP_SHARED ?? join(root, '../shared')
  const { ok, output } = await runCommand([...tool('turbo/bin/turbo'), 'run', 'test', '--dry=json'], {
    cwd: root,
    env: {
      TP_SHARED_STATE: stateOf(shared),
      TP_NODE: `${process.version} ${process.arch}`,
      TURBO_TELEMETRY_DISABLED: '1',
    },
  })
  if (!ok) return {}
  /** @type {{ tasks: { task: string, package: string, hash: string }[] }} */
  const { tasks } = JSON.parse(output.slice(output.indexOf('{')))
  return Object.fromEntries(tasks.filter(({ task }) => task === 'test').map(({ package: name, hash }) => [name, hash]))
}

/** Names, sizes and times of the files below a folder, as one hash. @param {string} path */
function stateOf(path) {
  const hash = createHash('sha256')
  if (existsSync(path)) {
    for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()) {
      // A link may lead nowhere.
      const file = statSync(join(path, name), { throwIfNoEntry: false })
      hash.update(`${name}\0${file?.size}\0${file?.mtimeMs}\n`)
    }
  }
  return hash.digest('hex')
}

/**
 * @param {string} project
 * @param {string | undefined} key
 * @returns {Kept | undefined} how they passed when they last ran, if nothing they read has changed since
 */
export function keptOutcomes(project, key) {
  if (key === undefined || !existsSync(fileOf(project))) return undefined
  /** @type {Kept} */
  const kept = JSON.parse(readFileSync(fileOf(project), 'utf8'))
  return kept.key === key ? kept : undefined
}

/** @param {string} project @param {Kept} kept */
export function keepOutcomes(project, kept) {
  mkdirSync(folder, { recursive: true })
  const file = fileOf(project)
  writeFileSync(`${file}.tmp`, JSON.stringify(kept))
  renameSync(`${file}.tmp`, file)
}
