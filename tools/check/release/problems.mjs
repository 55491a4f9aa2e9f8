/**
 * The plan of changesets for the changes that wait.
 * @typedef {{ changesets: readonly Changeset[], releases: readonly Release[] }} Plan
 * @typedef {{ id: string, releases: readonly { name: string, type: string }[] }} Changeset
 * @typedef {{ name: string, oldVersion: string, newVersion: string }} Release
 */

/**
 * Problems of the versions that changesets lead to.
 * @param {Plan} plan of the packages that are published
 * @returns {string[]}
 */
export function problemsOfPlan({ changesets, releases }) {
  const versions = new Set(releases.map(({ newVersion }) => newVersion))
  const isMajor = changesets.some((changeset) => changeset.releases.some(({ type }) => type === 'major'))
  const leaps = releases.filter(({ oldVersion, newVersion }) => majorOf(newVersion) > majorOf(oldVersion))
  const minor = changesets.filter((changeset) => changeset.releases.some(({ type }) => type === 'minor'))
  return [
    ...(versions.size > 1 ? [`versions differ: ${[...versions].join(', ')}`] : []),
    ...(leaps.length > 0 && !isMajor
      ? [
          `${leaps[0]?.newVersion} would be next, which no changeset asks for: packages are each other's peers, so that a ` +
            `minor version of one is a major version of the others. Write patch in: ${minor.map(({ id }) => id).join(', ')}`,
        ]
      : []),
  ]
}

/** @param {string} version */
function majorOf(version) {
  return Number(version.split('.')[0])
}

/**
 * Entries of a packed manifest that a user could not install, or not trace to their source.
 * @param {import('../workspace.mjs').Manifest} manifest as in the tarball
 * @param {string} version that is released
 * @param {ReadonlySet<string>} released names of all packages that are
 * @returns {string[]}
 */
export function problemsOfPacked(manifest, version, released) {
  const sections = /** @type {const} */ (['dependencies', 'peerDependencies', 'devDependencies'])
  /** @type {[string, string, string][]} */
  const ranges = sections.flatMap((section) =>
    Object.entries(manifest[section] ?? {}).map(([name, range]) => [section, name, range]),
  )
  return [
    ...(manifest.version === version ? [] : [`version is ${manifest.version}, not ${version}`]),
    ...ranges
      .filter(([, , range]) => range.startsWith('workspace:'))
      .map(([section, name, range]) => `${section}: ${name} is ${range}, which is known in the workspace only`),
    ...ranges
      .filter(
        ([section, name, range]) => section !== 'devDependencies' && released.has(name) && range !== `^${version}`,
      )
      .map(([section, name, range]) => `${section}: ${name} is ${range}, not ^${version}`),
  ]
}
