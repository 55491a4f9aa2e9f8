import { judged } from '../outcome.mjs'
import { apiReports, REPORTS, writtenReports } from './reports.mjs'

/** @typedef {import('../outcome.mjs').Outcome} Outcome */

/** Checks that `etc/` describes what the packages export. `changeset status` in CI asks for a changeset. @returns {Outcome[]} */
export function checkApi() {
  const written = writtenReports()
  const actual = apiReports()
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
