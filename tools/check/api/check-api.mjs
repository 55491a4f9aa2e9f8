import getReleasePlan from '@changesets/get-release-plan'
import { judged, passed } from '../outcome.mjs'
import { readJson, root } from '../workspace.mjs'
import { changedFiles } from './changed-files.mjs'
import { changesOf, judgeChanges, recordOf } from './changes.mjs'
import { RELEASED, readReleased } from './released.mjs'
import { apiReports, REPORTS, writtenReports } from './reports.mjs'

/** @typedef {import('../outcome.mjs').Outcome} Outcome */

/**
 * Checks that `etc/` describes what the packages export, and that changesets announce every change since the last release and,
 * where git knows the target branch, since the branch began.
 * @returns {Promise<Outcome[]>}
 */
export async function checkApi() {
  const { changesets } = await getReleasePlan(root)
  const { version } = readJson('packages/core/package.json')
  const { baseBranch } = readJson('.changeset/config.json')
  const released = readReleased()
  const now = recordOf(writtenReports())
  return [
    ...compareReports(writtenReports(), apiReports()),
    judged(
      `${RELEASED} is of the current version`,
      released.version === version
        ? []
        : [`packages are ${version}, it has ${released.version}: "npm run release:version" writes both`],
    ),
    ...judgeChanges(`version ${released.version}`, changesOf(released.reports, now), changesets),
    ...(await sinceBranch(root, `origin/${baseBranch}`, { before: released.reports, now, changesets })),
  ]
}

/**
 * @param {readonly import('./reports.mjs').Report[]} written
 * @param {readonly import('./reports.mjs').Report[]} actual
 * @returns {Outcome[]}
 */
export function compareReports(written, actual) {
  const texts = new Map(written.map(({ file, text }) => [file, text]))
  const files = new Set(actual.map(({ file }) => file))
  const hint = 'run "npm run generate" and look at the difference'
  return [
    ...actual.map(({ file, text }) =>
      judged(`${REPORTS}/${file}`, text === texts.get(file) ? [] : [`is not what the package exports now: ${hint}`]),
    ),
    ...written
      .filter(({ file }) => !files.has(file))
      .map(({ file }) => judged(`${REPORTS}/${file}`, [`belongs to no entry point of a package: ${hint}`])),
  ]
}

/**
 * The same since a branch began, so that an older changeset does not cover later changes.
 * @param {string} folder root of a repository with the files that are compared
 * @param {string} branch the target branch
 * @param {Known} known
 * @returns {Promise<Outcome[]>}
 *
 * @typedef {object} Known
 * @property {import('./changes.mjs').ApiRecord} before whose packages may be gone now
 * @property {import('./changes.mjs').ApiRecord} now
 * @property {readonly Changeset[]} changesets
 *
 * @typedef {{ id: string, releases: readonly { name: string }[] }} Changeset
 */
export async function sinceBranch(folder, branch, { before, now, changesets }) {
  const name = `changes of the API since ${branch}`
  const files = await changedFiles(folder, branch)
  if (files === undefined)
    return [{ name, state: 'skipped', note: `git knows no common ancestor of this branch and ${branch}` }]
  // A release uses the changesets up; later changes are found by comparison with the release.
  if (files.includes(RELEASED)) return [passed(`${name}: none since the release in it`)]
  const isChanged = (/** @type {string} */ file) => files.includes(`${REPORTS}/${file}`)
  const own = changesets.filter(({ id }) => files.includes(`.changeset/${id}.md`))
  return judgeChanges(branch, changesOf(before, now, isChanged), own)
}
