import stringWidth from 'fast-string-width'
import { wrapAnsi } from 'fast-wrap-ansi'
import { wrappedCommand } from './command-line.ts'

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

/** Nothing is set next to a column that is wider than this share of a line. */
const WIDEST_LABEL = 0.5

/** For a list of options. */
const INDENT = 2
/** Columns by which what does not fit next to a label is set under it. */
const HANGING = 4

/**
 * Text with its long lines wrapped, between words only: a path that is longer than a line remains whole, and lists of names are divided
 * after `|` and `,`. Continuation lines are set under the last column that is apart by two spaces (the description in help, the
 * text of a note), or else under the first word.
 */
export function wrapped(text: string, columns: number): string {
  if (columns === UNBOUNDED) return text
  return text
    .split('\n')
    .map((line) => (widthOf(line) <= columns ? line : (wrappedCommand(line, columns) ?? wrappedLine(line, columns))))
    .join('\n')
}

function wrappedLine(line: string, columns: number): string {
  const [margin = ''] = /^ */.exec(line) ?? []
  const [columnsBefore = ''] = /^ *(?:\S+(?: \S+)* {2,})+/.exec(line) ?? []
  const [first = ''] = /^ *\S+(?: \S+)* {2,}/.exec(line) ?? []
  const hanging = Math.min(margin.length, INDENT) + HANGING
  const isNarrow = (width: number): boolean => width > WIDEST_LABEL * columns
  const label = isNarrow(widthOf(columnsBefore)) ? first : columnsBefore
  const text = line.slice((label || margin).length)
  if (label === '') return lines(text, isNarrow(margin.length) ? hanging : margin.length, columns).join('\n')
  const longest = Math.max(...text.split(' ').map(widthOf))
  if (isNarrow(widthOf(label)) || (widthOf(label) > hanging && widthOf(label) + longest > columns))
    return [label.trimEnd(), ...lines(text, hanging, columns)].join('\n')
  const [beginning = '', ...others] = lines(text, widthOf(label), columns)
  return [label + beginning.trimStart(), ...others].join('\n')
}

/** Lines that begin after a margin. */
function lines(text: string, margin: number, columns: number): string[] {
  const room = columns - margin
  const words = text.split(' ').map((word) => (widthOf(word) <= room ? word : divided(word, room)))
  return wrapAnsi(words.join(' '), room, { hard: false })
    .split('\n')
    .map((line) => ' '.repeat(margin) + line.trimEnd())
}

/** A list of names with as many on each line as fit. */
function divided(word: string, room: number): string {
  const parts: string[] = []
  for (const name of word.split(/(?<=[|,])/)) {
    const last = parts.at(-1)
    if (last !== undefined && widthOf(last + name) <= room) parts[parts.length - 1] = last + name
    else parts.push(name)
  }
  return parts.join('\n')
}
