import { classOf, NO_LABELS } from '../labels.ts'
import { isIndex, isLabel, isText, LABEL_NAMES } from './column-names.ts'
import { dataError, listed, shown } from './data-error.ts'
import { isPairName, pairNamed } from './pair-names.ts'
import type { DataTable, Row } from './table.ts'

/** Which column is which, where the table does not say it. */
export interface ColumnOptions {
  /** Name of the column with the texts as its header has it, or its number from 1. Default: found by the header. */
  readonly textColumn?: string | undefined
  /** The same for the second texts of pairs. */
  readonly pairColumn?: string | undefined
  /** The same for the labels. */
  readonly labelColumn?: string | undefined
}

export interface ExampleOptions extends ColumnOptions {
  readonly labels?: readonly string[] | undefined
  readonly unlabeled?: boolean | undefined
  readonly limit?: number | undefined
}

/** Rows of a table without its header, and the columns of text and label. */
export interface Columns {
  readonly rows: readonly Row[]
  /** Whether the columns have names. */
  readonly header: boolean
  /** The names of all columns, or the first row's cells. */
  readonly names: readonly string[]
  readonly text: number
  /** Of the second text of a pair; −1 where texts are not pairs. */
  readonly pair: number
  /** −1 where there are no labels, or none were requested. */
  readonly label: number
}

/**
 * Finds texts, and labels if there are any, of a table: by the options, by the names in its header, or, in a table of two columns without
 * one, by which of them holds class names or numbers throughout. A table without labels has one column, or a header that names texts and
 * numbers of rows only. Anything else is never guessed.
 * @throws TpError TP_DATA with the columns that were seen, and what to do
 */
export function exampleColumns(table: DataTable, options: ExampleOptions): Columns {
  const isClass = (cell: string): boolean => classOf(cell, options.labels) !== undefined
  const { unlabeled = false } = options
  const { header, rows, names } = readHeader(table, options, unlabeled ? () => false : isClass)
  if (rows.length === 0)
    throw dataError(table.path, 'holds no example; it has to have a text in each line, and its label')
  const find: Find = { path: table.path, names, header, rows, labels: options.labels }
  if (unlabeled || isUnlabeled(find, options)) {
    const pair = pairIn(find, options)
    return pair === undefined ? textColumn(table, options) : { rows, header, names, ...pair, label: -1 }
  }
  const namedText = options.textColumn === undefined ? undefined : columnNamed(find, options.textColumn)
  const namedLabel = options.labelColumn === undefined ? undefined : columnNamed(find, options.labelColumn)
  const pair = pairIn(find, options)
  const label = namedLabel ?? (header ? labelByName(find, namedText ?? pair?.text) : labelByContent(find, namedText))
  const text = pair?.text ?? namedText ?? textNextTo(find, label)
  if (text === label) throw dataError(table.path, `column ${shown(names[text] ?? '')} cannot be both text and label`)
  return { rows, header, names, text, pair: pair?.pair ?? -1, label }
}

/** Whether no column of a table can hold labels. @throws TpError TP_DATA for one column that seems to hold several */
function isUnlabeled({ path, names, header, rows, labels }: Find, { labelColumn }: ColumnOptions): boolean {
  if (labelColumn !== undefined) return false
  const cells = names.map(plain)
  if (cells.length > 1) {
    return header && cells.some(isText) && cells.every((name) => isText(name) || isPairName(name) || isIndex(name))
  }
  const startsWithClass = ({ cells: [cell = ''] }: Row): boolean =>
    classOf(/^[^\s,;]*(?=[\s,;])/.exec(cell)?.[0] ?? '', labels) !== undefined
  const parts = (cells[0] ?? '').split(/[,;]/)
  if (!parts.some(isLabel) && !rows.every(startsWithClass)) return true
  const advice = 'labels and texts have tabs between them in .tsv and .txt, and commas in .csv'
  throw dataError(path, `has one column, ${shown(names[0] ?? '')}; ${advice}`)
}

/** Names of a column that says how relevant a document is, the likeliest first. */
export const RELEVANCE_NAMES: readonly string[] = [...LABEL_NAMES, 'relevance', 'score']

/**
 * Finds queries, documents and, if there is one, the column that says how relevant they are.
 * @returns undefined if the table holds no pairs
 * @throws TpError TP_DATA with the columns that were seen, and what to do
 */
export function pairColumns(table: DataTable, options: ExampleOptions): Columns | undefined {
  const { header, rows, names } = readHeader(table, options, () => false)
  const find: Find = { path: table.path, names, header, rows, labels: undefined }
  const pair = pairIn(find, options)
  if (pair === undefined) return undefined
  if (rows.length === 0) throw dataError(table.path, 'holds no pair of texts')
  const byName = RELEVANCE_NAMES.map((name) => (header ? names.findIndex((own) => plain(own) === name) : -1))
  const label =
    options.labelColumn === undefined ? (byName.find((i) => i >= 0) ?? -1) : columnNamed(find, options.labelColumn)
  return { rows, header, names, ...pair, label }
}

/** The columns of a pair: as the options say, or by the names in the header. */
function pairIn(find: Find, options: ColumnOptions): Pick<Columns, 'text' | 'pair'> | undefined {
  const { textColumn: first, pairColumn: second } = options
  const known = find.header ? pairNamed(find.names.map(plain)) : undefined
  if (second === undefined) return first === undefined ? known : undefined
  const pair = columnNamed(find, second)
  const text = first === undefined ? (known?.pair === pair ? known.text : -1) : columnNamed(find, first)
  if (text >= 0 && text !== pair) return { text, pair }
  throw dataError(find.path, 'a pair needs two columns; name both (textColumn and pairColumn)')
}

/**
 * Finds the texts of a table in which labels do not matter: its one column, or by option or header; without a header, the
 * only column in which there are several words to a cell.
 * @throws TpError TP_DATA with the columns that were seen, and what to do
 */
export function textColumn(table: DataTable, options: Omit<ExampleOptions, 'labels' | 'labelColumn'>): Columns {
  const { header, rows, names } = readHeader(table, options, () => false)
  if (rows.length === 0) throw dataError(table.path, 'holds no text')
  const alone = { rows, header, names, pair: -1, label: -1 }
  const find: Find = { path: table.path, names, header, rows, labels: undefined }
  if (options.textColumn !== undefined) return { ...alone, text: columnNamed(find, options.textColumn) }
  if (names.length === 1) return { ...alone, text: 0 }
  const label = header && names.length === 2 ? names.findIndex((name) => isLabel(plain(name))) : -1
  if (header) return { ...alone, text: textNextTo(find, label) }
  const wordy = names.flatMap((_, i) => (rows.some(({ cells }) => /\S\s+\S/.test(cells[i] ?? '')) ? [i] : []))
  const [text] = wordy
  if (text === undefined || wordy.length > 1) throw untold(find, 'texts', 'textColumn')
  return { ...alone, text }
}

/** The text in a cell. @throws TpError TP_DATA */
export function cellOf({ path, names }: DataTable, row: Row, column: number, what: 'text' | 'label'): string {
  const cell = row.cells[column]
  const where = `${path}, line ${row.line}`
  if (cell === undefined) {
    const found = names?.[column] === undefined ? `column ${column + 1}` : shown(names[column])
    throw dataError(where, `has no ${what}: ${found} holds neither text nor number there`)
  }
  if (cell.length > MOST_CHARACTERS) {
    const advice = 'more than one text; are its line ends or quotes broken?'
    throw dataError(where, `has a ${what} of ${cell.length} characters: ${advice}`)
  }
  return cell
}

/** As many as a book has. A tokenizer reads all of a text, however few tokens the model takes. */
const MOST_CHARACTERS = 1_000_000

interface Find {
  readonly path: string
  /** The header's names, or the first row's cells. */
  readonly names: readonly string[]
  readonly header: boolean
  readonly rows: readonly Row[]
  readonly labels: readonly string[] | undefined
}

/** Separates the header from the rows, and checks that each wanted row has as many cells as the header. */
function readHeader(
  { path, names, rows: all }: DataTable,
  { textColumn, pairColumn, labelColumn, limit }: ExampleOptions,
  isClass: (cell: string) => boolean,
): { readonly header: boolean; readonly names: readonly string[]; readonly rows: readonly Row[] } {
  const first = names ?? all[0]?.cells.map((cell) => cell ?? '') ?? []
  const cells = first.map(plain)
  const isNamed = [textColumn, pairColumn, labelColumn].some(
    (name) => name !== undefined && cells.includes(plain(name)),
  )
  // One line of one column may be the text "review".
  const known = cells.some(cells.length === 1 ? (cell) => ['text', 'sentence', 'label'].includes(cell) : isKnown)
  const header = names !== undefined || isNamed || known
  if (header && names === undefined && !isNamed && first.some(isClass)) {
    const advice = 'give it a header with the columns "label" and "text", or name the columns'
    throw dataError(path, `its first line (${listed(first)}) could be a header or an example; ${advice}`)
  }
  const rows = all.slice(header && names === undefined ? 1 : 0).slice(0, limit)
  const ragged = rows.find(({ cells }) => cells.length !== first.length)
  if (ragged !== undefined) {
    const expected = `${first.length} as ${header ? 'the header' : 'the first line'} has`
    throw dataError(path, `line ${ragged.line} has ${columns(ragged.cells.length)}, not ${expected}`)
  }
  return { header, names: first, rows }
}

function isKnown(name: string): boolean {
  return isText(name) || isLabel(name) || isPairName(name)
}

function labelByName({ names, ...find }: Find, text: number | undefined): number {
  const cells = names.map(plain)
  const first = LABEL_NAMES[0] as string
  const allowed = cells.includes(first) ? [first] : LABEL_NAMES
  const found = cells.flatMap((name, i) => (i !== text && allowed.includes(name) ? [i] : []))
  const known = text ?? cells.findIndex(isText)
  const other = cells.length === 2 && known >= 0 ? 1 - known : -1
  const [label = other] = found
  if (label < 0 || found.length > 1) throw untold({ ...find, names }, 'labels', 'labelColumn')
  return label
}

/** Of two columns the one that holds classes, or more of them: then its first other cell is reported. */
function labelByContent(find: Find, text: number | undefined): number {
  const { names, rows, labels } = find
  if (names.length > 2) throw untold(find, text === undefined ? 'labels and texts' : 'labels', 'labelColumn')
  if (text !== undefined) return 1 - text
  const classes = [0, 1].map(
    (column) => rows.filter(({ cells }) => classOf(cells[column] ?? '', labels) !== undefined).length,
  )
  const [left = 0, right = 0] = classes
  if (left === rows.length && right === rows.length) throw untold(find, 'labels', 'labelColumn')
  return right > left ? 1 : 0
}

function textNextTo(find: Find, label: number): number {
  const cells = find.names.map(plain)
  const found = cells.flatMap((name, i) => (i !== label && find.header && isText(name) ? [i] : []))
  const other = cells.length === 2 && label >= 0 ? 1 - label : -1
  const name = cells[other] ?? ''
  const [text = find.header && (isIndex(name) || isLabel(name)) ? -1 : other] = found
  if (text < 0 || found.length > 1) throw untold(find, 'texts', 'textColumn')
  return text
}

/** The column of an option, by its name in a header or its number from 1. @throws TpError TP_DATA */
export function columnNamed({ path, names, header }: Pick<Find, 'path' | 'names' | 'header'>, option: string): number {
  const found = names.flatMap((name, i) => (header && plain(name) === plain(option) ? [i] : []))
  const [column = /^[1-9]\d{0,8}$/.test(option) && Number(option) <= names.length ? Number(option) - 1 : -1] = found
  if (column >= 0 && found.length < 2) return column
  const problem = found.length > 1 ? `${found.length} columns are` : 'there is no column'
  throw dataError(path, `${problem} called ${shown(option)}; its columns are ${listed(names)}`)
}

/** @throws TpError TP_DATA for a column that may hold labels: neither the texts, nor called like texts or numbers of rows */
export function requireUnlabeled(path: string, { names, header, text, pair }: Columns): void {
  const isOther = (name: string): boolean => !header || !(isText(name) || isPairName(name) || isIndex(name))
  const others = names.filter((name, i) => i !== text && i !== pair && isOther(plain(name)))
  if (others.length > 0) throw untold({ path, names, header }, 'labels', 'labelColumn')
}

function untold(
  { path, names, header }: Pick<Find, 'path' | 'names' | 'header'>,
  what: string,
  option: keyof ColumnOptions,
): Error {
  const seen = header ? `its columns are ${listed(names)}` : `it has no header, and its first line is ${listed(names)}`
  const name = option === 'textColumn' ? 'text' : 'label'
  const advice = header
    ? `call one of them "${name}", or name it (${option}, --${name}-column)`
    : 'give it a header with the columns "label" and "text", or give their numbers (labelColumn, textColumn)'
  const without = option === 'labelColumn' ? `; ${NO_LABELS}` : ''
  return dataError(path, `cannot tell which column holds the ${what}: ${seen}; ${advice}${without}`)
}

function plain(name: string): string {
  return name.trim().toLowerCase()
}

function columns(count: number): string {
  return count === 1 ? '1 column' : `${count} columns`
}
