import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../check/workspace.mjs'

/**
 * The rows of a file of measurements, one a line.
 * @template Row
 * @param {string} file relative to the root
 * @returns {readonly Row[]}
 */
export function jsonLines(file) {
  const lines = readFileSync(join(root, file), 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
}

/**
 * Rows by key, in the order of the rows; Node 20 has no Map.groupBy.
 * @template Row
 * @param {readonly Row[]} rows
 * @param {(row: Row) => string} keyOf
 */
export function grouped(rows, keyOf) {
  /** @type {Map<string, Row[]>} */
  const groups = new Map()
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row])
  return groups
}
