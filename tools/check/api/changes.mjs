import { createHash } from 'node:crypto'
import { judged } from '../outcome.mjs'

/**
 * Fingerprints of the reports of each package: what has to be stored of an API to detect changes.
 * @typedef {Record<string, Record<string, string>>} ApiRecord by name of a package, then by file of a report
 *
 * @typedef {Map<string, string[]>} ApiChanges the files of its reports that have changed, by name of a package
 */

/** @param {readonly import('./reports.mjs').Report[]} reports @returns {ApiRecord} */
export function recordOf(reports) {
  /** @type {ApiRecord} */
  const record = {}
  for (const { file, text } of reports) {
    const name = /^## API Report File for "(.+)"/.exec(text)?.[1]
    if (name === undefined) throw new Error(`${file} does not start with the name of its package`)
    record[name] = { ...record[name], [file]: createHash('sha256').update(text).digest('hex').slice(0, 16) }
  }
  return record
}

/**
 * @param {ApiRecord} before
 * @param {ApiRecord} now
 * @param {(file: string) => boolean} [isChanged] whether a report, which one of the two has, has changed
 * @returns {ApiChanges} without packages that have not changed
 */
export function changesOf(before, now, isChanged) {
  const changes = new Map()
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const files = [...new Set([...Object.keys(before[name] ?? {}), ...Object.keys(now[name] ?? {})])]
    const changed = files.filter(isChanged ?? ((file) => before[name]?.[file] !== now[name]?.[file]))
    if (changed.length > 0) changes.set(name, changed)
  }
  return changes
}

/**
 * Whether each change of an API will be in a changelog.
 * @param {string} since what the changes are counted from, for people: `version 0.1.0`, `origin/main`
 * @param {ApiChanges} changes
 * @param {readonly { releases: readonly { name: string }[] }[]} changesets those since then
 * @returns {import('../outcome.mjs').Outcome[]} one for each package with a change
 */
export function judgeChanges(since, changes, changesets) {
  const named = new Set(changesets.flatMap(({ releases }) => releases.map(({ name }) => name)))
  return [...changes].map(([name, files]) =>
    judged(
      `a changeset tells what has changed in ${name} since ${since}`,
      named.has(name) ? [] : [`${files.join(', ')}: no changeset since then names ${name}; "npx changeset" makes one`],
    ),
  )
}
