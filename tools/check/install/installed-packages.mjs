import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * @typedef {{ name: string, path: string, bytes: number }} InstalledPackage
 *   `path`: its real path; `bytes`: size of its files, unpacked
 */

/**
 * Every package that is installed for some: they themselves, their dependencies, and the peers that npm adds.
 * @param {string} folder with `node_modules`
 * @param {readonly string[]} names
 * @returns {InstalledPackage[]}
 * @throws Error where something that is needed is not there
 */
export function installedPackages(folder, names) {
  /** @type {Map<string, InstalledPackage>} by real path: two may be linked to one */
  const found = new Map()
  const visit = (/** @type {string} */ path) => {
    if (found.has(path)) return
    const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
    found.set(path, { name: manifest.name, path, bytes: bytesIn(path) })
    const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = manifest
    const isOptional = (/** @type {string} */ name) =>
      Boolean(optionalDependencies?.[name] || peerDependenciesMeta?.[name]?.optional)
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const other = peerDependenciesMeta?.[name]?.optional ? undefined : findPackage(path, name)
      if (other !== undefined) visit(other)
      else if (!isOptional(name)) throw new Error(`${manifest.name} needs ${name}, which is not installed`)
    }
  }
  for (const name of names) {
    const path = findPackage(join(folder, 'package.json'), name)
    if (path === undefined) throw new Error(`${name} is not installed`)
    visit(path)
  }
  return [...found.values()]
}

/** As Node looks for it: in `node_modules` of each folder above. @param {string} from a path @param {string} name */
function findPackage(from, name) {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name)
    if (existsSync(join(path, 'package.json'))) return realpathSync(path)
  }
  return undefined
}

/** @param {string} folder @returns {number} without packages inside it */
function bytesIn(folder) {
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && entry.name !== 'node_modules') bytes += bytesIn(path)
    if (entry.isFile()) bytes += statSync(path).size
  }
  return bytes
}
