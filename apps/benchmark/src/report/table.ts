/** A table's headings and its cells as text. */
export interface Table {
  readonly caption?: string
  readonly headings: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** The columns of a table, by heading. Headings must not be whole numbers, which objects put first. */
export type TableColumns<Row> = Readonly<Record<string, (row: Row) => string>>

export function tableOf<Row>(caption: string, columns: TableColumns<Row>, rows: readonly Row[]): Table {
  const cells = Object.values(columns)
  return { caption, headings: Object.keys(columns), rows: rows.map((row) => cells.map((cell) => cell(row))) }
}

/** For a terminal: the first column to the left, the others to the right, two spaces apart. */
export function plainTable({ headings, rows }: Table): string {
  const lines = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  const padded = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number)
  return lines.map((line) => line.map(padded).join('   ').trimEnd()).join('\n')
}

/** Columns of numbers are to the right, those of words to the left. */
export function markdownTable({ headings, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const isNumber = (cell = ''): boolean => cell === '' || /^[−-]?\d/.test(cell)
  const rule = headings.map((_, column) => (rows.every((row) => isNumber(row[column])) ? '--:' : '---'))
  return [line(headings), line(rule), ...rows.map(line)].join('\n')
}
