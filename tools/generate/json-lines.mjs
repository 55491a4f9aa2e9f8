import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../check/workspace.mjs'

/**
 * The rows that were measured on processors with VNNI, or without.
 * @template {{ readonly withoutVnni?: true }} Row
 * @param {string} file relative to the root
 * @returns {readonly Row[]}
 */
export function measuredRows(file, { withoutVnni = false } = {}) {
  const rows = /** @type {readonly Row[]} */ (jsonLines(file))
  return rows.filter((row) => (row.withoutVnni ?? false) === withoutVnni)
}

/**
 * The rows of a file of measurements, one a line; none where nothing has been measured yet.
 * @template Row
 * @param {string} file relative to the root
 * @returns {readonly Row[]}
 */
export function jsonLines(file) {
  const path = join(root, file)
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
}
