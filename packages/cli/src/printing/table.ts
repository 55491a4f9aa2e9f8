import { terminalColumns, UNBOUNDED, widthOf } from './terminal.ts'

interface TableOptions {
  /** Columns that say what a row is: they are repeated where a table is divided. Default 1. */
  readonly keys?: number
  /** Columns of the terminal. */
  readonly columns?: number
}

const GAP = '  '

/**
 * Rows under their headings, columns two spaces apart; columns named in `left` are aligned there, numbers to the right. A table that is
 * wider than the terminal is divided into several, one below the other, each with the columns that say what a row is.
 */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  left: readonly string[] = [],
  { keys = 1, columns = terminalColumns() }: TableOptions = {},
): string {
  const lines = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ''))))
  const parts = divided(widths, keys, columns)
  const shown = parts.map((part) =>
    lines
      .map((line) =>
        part
          .map((column) => {
            const cell = line[column] ?? ''
            const space = ' '.repeat((widths[column] as number) - widthOf(cell))
            return left.includes(headings[column] as string) ? cell + space : space + cell
          })
          .join(GAP)
          .trimEnd(),
      )
      .join('\n'),
  )
  return shown.join('\n\n')
}

/** Columns of each part, as many as fit. */
function divided(widths: readonly number[], keys: number, columns: number): number[][] {
  const all = [...widths.keys()]
  const widthOfAll = (those: readonly number[]): number =>
    those.reduce((sum, column) => sum + (widths[column] as number) + GAP.length, -GAP.length)
  if (columns === UNBOUNDED || widthOfAll(all) <= columns) return [all]
  const repeated = all.slice(0, keys)
  const parts: number[][] = []
  for (const column of all.slice(keys)) {
    const part = parts.at(-1)
    if (part !== undefined && widthOfAll([...part, column]) <= columns) part.push(column)
    else parts.push([...repeated, column])
  }
  return parts
}
