import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../command.mjs'
import { judged } from '../outcome.mjs'
import { publicPackages } from '../workspace.mjs'
import { checkNextVersion, plannedReleases } from './next-version.mjs'
import { problemsOfPacked } from './problems.mjs'
import { importFrom, rehearse } from './rehearsal.mjs'

/** @typedef {import('../outcome.mjs').Outcome} Outcome */

/**
 * That the next release would go through: versions, changelogs, tarballs, and a publishing that stops before the upload
 * and contacts no registry.
 * @param {string} scratch a folder for temporary files
 * @returns {Promise<Outcome[]>}
 */
export async function checkRelease(scratch) {
  const { releases } = await plannedReleases()
  const { folder, tarballs } = await rehearse(scratch)
  const version = JSON.parse(readFileSync(join(folder, 'packages/core/package.json'), 'utf8')).version
  const released = new Set(publicPackages().map(({ manifest }) => manifest.name))
  const { checkManifests } = await importFrom(folder, 'tools/check/manifests.mjs')
  /** @type {Outcome[]} */
  const manifests = await checkManifests()
  const outcomes = [
    await checkNextVersion(),
    ...manifests.map((outcome) => ({ ...outcome, name: `after the release: ${outcome.name}` })),
    ...publicPackages()
      .filter(({ manifest }) => releases.some(({ name }) => name === manifest.name))
      .map((entry) => judged(`changelog of ${entry.folder}`, problemsOfChangelog(join(folder, entry.folder), version))),
  ]
  for (const { name, path } of tarballs) {
    const { output: manifest } = await runCommand(['tar', 'xzOf', path, 'package/package.json'], { cwd: scratch })
    outcomes.push(judged(`release of ${name}`, problemsOfPacked(JSON.parse(manifest), version, released)))
    const publish = ['npm', 'publish', path, '--dry-run', '--offline', '--ignore-scripts', '--loglevel=notice']
    const { ok, output } = await runCommand(publish, { cwd: scratch })
    const published = output.includes(`+ ${name}@${version}`)
    outcomes.push(judged(`npm publish --dry-run ${name}`, ok && published ? [] : [output]))
  }
  return outcomes
}

/** @param {string} folder @param {string} version */
function problemsOfChangelog(folder, version) {
  const file = join(folder, 'CHANGELOG.md')
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  return text.includes(`\n## ${version}\n`) ? [] : [`CHANGELOG.md has no part "## ${version}"`]
}
