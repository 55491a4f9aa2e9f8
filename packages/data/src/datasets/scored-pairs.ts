import { type TextDataset, textDataset, UNLABELED } from './dataset.ts'
import { dataError, listed } from './table/data-error.ts'
import { numberIn } from './table/number-in.ts'
import { pairNamed } from './table/pair-names.ts'
import { readTable } from './table/read-table.ts'
import type { DataTable } from './table/table.ts'

/** Pairs of texts that people have judged: the more alike, the higher the score. */
export interface ScoredPairs {
  /** Where they come from, for messages and reports. */
  readonly source: string
  /** The texts: first ones of all pairs, then second ones. */
  readonly texts: TextDataset
  readonly scores: readonly number[]
}

const SCORES = ['score', 'similarity_score', 'similarity', 'gold', 'label']

interface Found {
  readonly columns: readonly [first: number, second: number, score: number]
  /** The first row is a header. */
  readonly hasHeader: boolean
}

/**
 * Pairs of a table, as the STS benchmark has them: by the names in its header, or three columns of which one has a number throughout.
 * @returns undefined for a table that is something else
 * @throws TpError TP_DATA for a score that is no number
 */
export async function readScoredPairs(path: string, limit?: number): Promise<ScoredPairs | undefined> {
  const table = await readTable(path)
  const found = byHeader(table) ?? byContent(table)
  if (found === undefined || holdsClasses(table, found)) return undefined
  const [first, second, score] = found.columns
  const rows = table.rows.slice(found.hasHeader && table.names === undefined ? 1 : 0).slice(0, limit)
  if (rows.length < 3) throw dataError(path, `holds ${rows.length} pairs; a correlation needs 3 or more`)
  const texts = (column: number): { text: string; label: number; source: string }[] =>
    rows.map(({ cells, line }) => {
      const text = cells[column]
      if (text === undefined) throw dataError(`${path}, line ${line}`, 'has fewer than two texts')
      return { text, label: UNLABELED, source: `${path}, line ${line}` }
    })
  const scores = rows.map(({ cells, line }) => {
    const value = numberIn(cells[score])
    if (value === undefined)
      throw dataError(`${path}, line ${line}`, `its score is ${listed([cells[score] ?? ''])}, no number`)
    return value
  })
  if (new Set(scores).size === 1) {
    throw dataError(
      path,
      `has the score ${scores[0]} for each of ${scores.length} pairs, which puts none before another`,
    )
  }
  return { source: path, texts: textDataset(path, [...texts(first), ...texts(second)]), scores }
}

function byHeader({ names, rows }: DataTable): Found | undefined {
  const header = (names ?? rows[0]?.cells.map((cell) => cell ?? '') ?? []).map((name) => name.trim().toLowerCase())
  const score = SCORES.map((name) => header.indexOf(name)).find((column) => column >= 0)
  const found = pairNamed(header)
  if (score === undefined || found === undefined) return undefined
  return { columns: [found.text, found.pair, score], hasHeader: true }
}

function byContent({ names, rows }: DataTable): Found | undefined {
  if (names !== undefined || rows.length === 0 || rows.some(({ cells }) => cells.length !== 3)) return undefined
  const isNumeric = (column: number): boolean => rows.every(({ cells }) => numberIn(cells[column]) !== undefined)
  const numeric = [0, 1, 2].filter(isNumeric)
  const [score, ...others] = numeric
  if (score === undefined || others.length > 0) return undefined
  const [first, second] = [0, 1, 2].filter((column) => column !== score) as [number, number]
  return { columns: [first, second, score], hasHeader: false }
}

/** A column that is not called a score holds classes if its values are few whole numbers, or not numbers at all. */
function holdsClasses({ names, rows }: DataTable, { columns: [, , score], hasHeader }: Found): boolean {
  const header = hasHeader ? (names ?? rows[0]?.cells ?? []) : []
  const called = header[score]?.trim().toLowerCase() ?? 'label'
  const values = rows.slice(hasHeader && names === undefined ? 1 : 0).map(({ cells }) => numberIn(cells[score]))
  if (called !== 'label') return false
  return (
    values.every((value) => value === undefined) ||
    (values.every(Number.isInteger) && new Set(values).size <= MOST_CLASSES)
  )
}

const MOST_CLASSES = 5
