import { existsSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { judged } from './outcome.mjs'
import { problemsOfPublishing } from './publishing.mjs'
import { publicPackages, readJson, root, workspacePackages } from './workspace.mjs'

/** @returns {Promise<import('./outcome.mjs').Outcome[]>} that every package has the same form */
export async function checkManifests() {
  const version = readJson('packages/core/package.json').version
  const others = workspacePackages().filter(({ manifest }) => manifest.private)
  const { repository } = readJson('package.json')
  const unpublished = new Set(others.map(({ manifest }) => manifest.name))
  const published = publicPackages().map((entry) =>
    judged(`form of ${entry.folder}`, [
      ...problemsOfForm(entry, version),
      ...problemsOfPublishing(entry, repository?.url, unpublished),
      ...problemsOfReferences(entry),
    ]),
  )
  return [...published, ...others.map((entry) => judged(`form of ${entry.folder}`, problemsOfReferences(entry)))]
}

/** @param {import('./workspace.mjs').Package} entry @param {string} version */
function problemsOfForm({ folder, manifest }, version) {
  /** @type {[boolean, string][]} */
  const rules = [
    [
      [`@tp/${basename(folder)}`, 'create-tp-plugin'].includes(manifest.name),
      `name is ${manifest.name}, not that of the folder`,
    ],
    [manifest.version === version, `version is ${manifest.version}; first-party packages share one, now ${version}`],
    [Boolean(manifest.description), 'description is missing'],
    [manifest.license === 'Apache-2.0', 'license is not Apache-2.0'],
    [manifest.type === 'module', 'type is not module'],
    [manifest.sideEffects === false, 'sideEffects is not false'],
    [manifest.engines?.node === '>=20.19', 'engines.node is not >=20.19'],
    [!manifest.dependencies?.['@tp/core'], '@tp/core is a dependency; make it a peer, so that there is one copy'],
    [existsSync(join(root, folder, 'README.md')), 'README.md is missing'],
  ]
  return rules.flatMap(([holds, problem]) => (holds ? [] : [`${folder}/package.json: ${problem}`]))
}

/**
 * `tsc -b` in one package also builds what its references name. Turbo orders by dependencies; where the two disagree,
 * two builds write the same folder at once.
 * @param {import('./workspace.mjs').Package} entry
 */
function problemsOfReferences({ folder, manifest }) {
  if (!existsSync(join(root, folder, 'tsconfig.json'))) return []
  const folders = new Map(workspacePackages().map((other) => [other.manifest.name, other.folder]))
  const own = (/** @type {Record<string, string> | undefined} */ names) =>
    Object.keys(names ?? {}).flatMap((name) => folders.get(name) ?? [])
  const needed = new Set([...own(manifest.dependencies), ...own(manifest.peerDependencies)])
  const allowed = new Set([...needed, ...own(manifest.devDependencies)])
  /** @type {{ path: string }[]} */
  const references = readJson(`${folder}/tsconfig.json`).references ?? []
  const named = new Set(references.map(({ path }) => relative(root, join(root, folder, path))))
  return [
    ...[...needed].filter((other) => !named.has(other)).map((other) => `${folder}/tsconfig.json: refer to ${other}`),
    ...[...named]
      .filter((other) => !allowed.has(other))
      .map((other) => `${folder}/tsconfig.json refers to ${other}, which package.json does not name`),
  ]
}
