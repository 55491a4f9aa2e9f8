import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readJson, root } from '../workspace.mjs'
import { recordOf } from './changes.mjs'
import { REPORTS, writtenReports } from './reports.mjs'

/**
 * The APIs of the last release, stored in the repository so that changes are found without history: in a shallow
 * clone, in an archive.
 */
export const RELEASED = `${REPORTS}/released.json`

/** @returns {{ version: string, reports: import('./changes.mjs').ApiRecord }} */
export function readReleased() {
  return JSON.parse(readFileSync(join(root, RELEASED), 'utf8'))
}

/** Makes the packages as they are now the last release. */
export function recordRelease() {
  const { version } = readJson('packages/core/package.json')
  const record = { version, reports: recordOf(writtenReports()) }
  writeFileSync(join(root, RELEASED), `${JSON.stringify(record, null, 2)}\n`)
}
