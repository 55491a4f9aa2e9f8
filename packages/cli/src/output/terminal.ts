import stringWidth from 'fast-string-width'
import { wrapAnsi } from 'fast-wrap-ansi'

/** Columns of text that goes to nobody's terminal: a pager, a file, a log. */
export const UNBOUNDED: number = Number.POSITIVE_INFINITY

/** Columns of the terminal that stdout is; {@link UNBOUNDED} where it is none. */
export function terminalColumns({ isTTY, columns }: { isTTY?: boolean; columns?: number } = process.stdout): number {
  return isTTY === true && columns !== undefined && columns > 0 ? columns : UNBOUNDED
}

/** Columns that a text takes. */
export function widthOf(text: string): number {
  return stringWidth(text)
}

/** The beginning of a text that fits into so many columns, with an ellipsis where something is cut off. */
export function cutTo(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  let kept = ''
  for (const { segment } of characters.segment(text)) {
    if (widthOf(kept + segment) >= columns) break
    kept += segment
  }
  return `${kept}…`
}

/** As readers see them: one may be several code points. */
const characters = new Intl.Segmenter('en')

/** A first column wider than this share of a line is none that text is set under. */
const WIDEST_LABEL = 0.5

/**
 * Text with its long lines wrapped. What follows is set under the last column that is apart by two spaces (the description in help,
 * the text of a note), or else under the first word.
 */
export function wrapped(text: string, columns: number): string {
  if (columns === UNBOUNDED) return text
  return text
    .split('\n')
    .map((line) => (widthOf(line) <= columns ? line : wrappedLine(line, columns)))
    .join('\n')
}

function wrappedLine(line: string, columns: number): string {
  const [label = ''] = /^ *(?:\S+(?: \S+)* {2,})?/.exec(line) ?? []
  const own = widthOf(label) <= WIDEST_LABEL * columns ? label : (/^ */.exec(line)?.[0] ?? '')
  const indent = ' '.repeat(Math.max(widthOf(own), 0))
  const lines = wrapAnsi(line.slice(own.length), columns - indent.length, { hard: true }).split('\n')
  return lines.map((part, i) => `${i === 0 ? own : indent}${part.trimEnd()}`).join('\n')
}
