import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/**
 * A package of the workspace.
 * @typedef {{
 *   name: string, version?: string, description?: string, license?: string, type?: string, private?: boolean,
 *   sideEffects?: unknown, files?: string[], engines?: Record<string, string>, scripts?: Record<string, string>,
 *   dependencies?: Record<string, string>, peerDependencies?: Record<string, string>,
 *   devDependencies?: Record<string, string>,
 *   peerDependenciesMeta?: Record<string, { optional?: boolean }>,
 *   publishConfig?: { access?: string, provenance?: boolean },
 *   keywords?: string[], homepage?: string, bugs?: string,
 *   repository?: { type?: string, url?: string, directory?: string },
 * }} Manifest
 * @typedef {{ folder: string, manifest: Manifest }} Package `folder`: relative to the root, as `packages/core`
 */

/** @returns {Package[]} every package of the workspace, sorted by folder */
export function workspacePackages() {
  const parents = ['packages', 'apps', 'tools'].filter((parent) => existsSync(join(root, parent)))
  const folders = parents.flatMap((parent) => readdirSync(join(root, parent)).map((name) => `${parent}/${name}`))
  return folders
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .sort()
    .map((folder) => ({ folder, manifest: readJson(join(folder, 'package.json')) }))
}

/** @returns {Package[]} the packages that are published */
export function publicPackages() {
  return workspacePackages().filter(({ manifest }) => !manifest.private)
}

/** @param {string} path relative to the root */
export function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'))
}

/** The script of a tool from the root's devDependencies, to be run with this Node. @param {string} path */
export function tool(path) {
  return [process.execPath, join(root, 'node_modules', path)]
}

/**
 * The names and what npm installs with them: dependencies, and peers that are not optional, of ours in turn with theirs.
 * @param {readonly string[]} names
 * @returns {ReadonlySet<string>}
 */
export function withNeeds(names) {
  const packages = new Map(publicPackages().map(({ manifest }) => [manifest.name, manifest]))
  const needed = new Set(names)
  for (const name of needed) {
    const { dependencies, peerDependencies, peerDependenciesMeta } = packages.get(name) ?? {}
    const peers = Object.keys(peerDependencies ?? {}).filter((peer) => !peerDependenciesMeta?.[peer]?.optional)
    // Sets grow while they are walked.
    for (const other of [...Object.keys(dependencies ?? {}), ...peers]) needed.add(other)
  }
  return needed
}
