import { readFile, writeFile } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'

/** Rows of a table by the names of their columns. */
export type SuiteRows = readonly Readonly<Record<string, string>>[]

/** Reads a table with a header: comma-separated with quotes, or by tabs, where quotes are plain characters. */
export async function readRows(path: string, delimiter: ',' | '\t'): Promise<SuiteRows> {
  const text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '')
  return parse(text, {
    columns: (names: readonly string[]) => names.map((name, i) => name.trim() || `${i}`),
    delimiter,
    quote: delimiter === '\t' ? null : '"',
    relax_column_count: false,
    skip_empty_lines: true,
  })
}

/** Writes rows separated by tabs with a header; white space within a cell becomes one space. */
export async function writeRows(path: string, rows: SuiteRows): Promise<void> {
  const names = Object.keys(rows[0] ?? {})
  const lines = rows.map((row) => names.map((name) => plain(row[name] ?? '')).join('\t'))
  await writeFile(path, `${[names.join('\t'), ...lines].join('\n')}\n`)
}

/** SuiteRows grouped by the value of a column, in the order of their first ones. */
export function groupRows(rows: SuiteRows, column: string): readonly SuiteRows[] {
  const groups = new Map<string, Record<string, string>[]>()
  for (const row of rows) {
    const key = row[column] ?? ''
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  return [...groups.values()]
}

function plain(cell: string): string {
  return cell.replace(/\s+/g, ' ').trim()
}
