import { dataError } from './data-error.ts'
import { jsonObjects } from './json-objects.ts'
import type { DataTable, Row } from './table.ts'
import { TableSize } from './table-size.ts'

/** More keys are not a table, and each row would have that many cells. */
const MOST_KEYS = 1000

/**
 * One JSON object a line, or a list of them. Their keys are the columns, in the order in which they come; a row without one has an
 * empty cell there.
 * @throws TpError TP_DATA naming the line that is not an object
 */
export function parseJsonLines(path: string, text: string): DataTable {
  const size = new TableSize()
  const rows: Row[] = []
  const names = new Set<string>()
  for (const { content, line } of jsonObjects(path, text)) {
    const record = new Map(Object.entries(objectOf(content, `${path}, line ${line}`)))
    const before = names.size
    for (const name of record.keys()) names.add(name)
    if (names.size > MOST_KEYS) {
      throw dataError(`${path}, line ${line}`, `has, with the lines before, ${names.size} keys; is it a table?`)
    }
    // A new key widens the rows before it as well.
    size.add(path, names.size + rows.length * (names.size - before))
    const values = [...names].map((name) => record.get(name))
    const lists = values.map(listOf)
    const hasLists = lists.some((list) => list !== undefined)
    rows.push({ cells: values.map(cellOf), line, ...(hasLists && { lists }) })
  }
  const full = rows.map((row) => ({ ...row, cells: Array.from(names, (_, column) => row.cells[column]) }))
  return { path, names: [...names], rows: full }
}

function objectOf(content: string, where: string): object {
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (cause) {
    throw dataError(where, 'is invalid JSON; each line has to be a JSON object of its own', cause)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw dataError(where, 'is not a JSON object; each line has to be one, such as {"label": 1, "text": "…"}')
}

function cellOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? `${value}` : undefined
}

function listOf(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined
  const cells = value.map(cellOf)
  return cells.every((cell) => cell !== undefined) ? cells : undefined
}
