import { addressOf, type Page } from '../pages/page.ts'

/** Rows of one table that are about a method. */
export interface MeasuredTable {
  /** Of the section that it stands in. */
  readonly heading: string
  /** Of that section, below the site's base. */
  readonly address: string
  readonly columns: string
  readonly rows: readonly string[]
}

/** Rows shown of one table, and tables shown of one page; the page has them all. */
const ROWS = 6
const TABLES = 3

/** Rows of the tables of results about a method: rows of which a cell names it, alone or with what it is set to. */
export function measuredTables(name: string, pages: readonly Page[]): MeasuredTable[] {
  return pages.flatMap((page) => {
    const found = tablesOf(page).flatMap(({ heading, columns, rows }): MeasuredTable[] => {
      const own = rows.filter((row) => isAbout(row, name))
      if (own.length === 0) return []
      return [
        {
          heading: `${page.title}: ${heading}`,
          address: `${addressOf(page)}#${slugOf(heading)}`,
          columns,
          rows: own.slice(0, ROWS),
        },
      ]
    })
    return found.slice(0, TABLES)
  })
}

interface Table {
  readonly heading: string
  readonly columns: string
  readonly rows: readonly string[]
}

function tablesOf({ text, title }: Page): Table[] {
  const tables: { heading: string; columns: string; rows: string[] }[] = []
  let heading = title
  let isTable = false
  for (const line of text.split('\n')) {
    const [, found] = /^#{2,3} (.+)$/.exec(line) ?? []
    if (found !== undefined) heading = found
    if (!line.startsWith('|')) {
      isTable = false
    } else if (!isTable) {
      isTable = true
      tables.push({ heading, columns: line, rows: [] })
    } else if (!/^\|[-:| ]+\|$/.test(line)) {
      tables.at(-1)?.rows.push(line)
    }
  }
  return tables
}

/** Whether one of the first three cells is a method's name, or begins with it. */
function isAbout(row: string, name: string): boolean {
  const cells = row
    .split('|')
    .slice(1, 4)
    .map((cell) => cell.replaceAll(/[`*]/g, '').trim())
  return cells.some((cell) => cell === name || cell.startsWith(`${name} `))
}

/** As VitePress makes it of a heading. */
export function slugOf(heading: string): string {
  return heading
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036F]/g, '')
    .replaceAll(/[\s~`!@#$%^&*()\-_+=[\]{}|\\;:"'“”‘’<>,.?/]+/g, '-')
    .replaceAll(/-{2,}/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .replace(/^(\d)/, '_$1')
    .toLowerCase()
}
