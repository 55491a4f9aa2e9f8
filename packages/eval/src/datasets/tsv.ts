import { readFile } from 'node:fs/promises'
import { TpError } from '@tp/core'
import { parse } from 'csv-parse/sync'
import { type TextDataset, textDataset } from './dataset.ts'
import { classOf, requireClass } from './labels.ts'

export interface LabelledOptions {
  /** The model's class names by number; without them labels have to be class numbers. */
  readonly labels?: readonly string[] | undefined
  /** Only the first so many examples. */
  readonly limit?: number | undefined
}

interface Line {
  readonly cells: readonly string[]
  readonly number: number
}

/**
 * Reads `label<TAB>sentence` lines, UTF-8. A header is recognised by a cell "label" and then says which column is
 * which; without one, the label may also stand in the second column. Quotes are plain characters.
 * @throws TpError TP_DATA naming the line
 */
export async function readTsv(path: string, { labels, limit }: LabelledOptions = {}): Promise<TextDataset> {
  const lines = await readCells(path)
  const header = lines[0]?.cells.map((cell) => cell.trim().toLowerCase()) ?? []
  const hasHeader = header.includes('label')
  const rows = hasHeader ? lines.slice(1) : lines
  const labelColumn = hasHeader ? header.indexOf('label') : labelColumnOf(rows[0], labels)
  const textColumn = labelColumn === 0 ? 1 : 0
  const columns = hasHeader ? header.length : 2

  const examples = rows.slice(0, limit).map(({ cells, number }) => {
    if (cells.length !== columns) {
      const form = columns === 2 ? 'label<TAB>sentence' : 'the header'
      const reason = `line ${number} has ${cells.length} columns, not ${columns} as ${form} asks for`
      throw new TpError('TP_DATA', 'eval', `${path}: ${reason}`)
    }
    const source = `${path}, line ${number}`
    return {
      text: cells[textColumn] as string,
      label: requireClass(cells[labelColumn] as string, labels, source),
      source,
    }
  })
  if (examples.length === 0) throw new TpError('TP_DATA', 'eval', `${path}: holds no label<TAB>sentence line`)
  return textDataset(path, examples)
}

function labelColumnOf(first: Line | undefined, labels: readonly string[] | undefined): 0 | 1 {
  const [left, right] = first?.cells ?? []
  const isSecond = left !== undefined && right !== undefined && classOf(left, labels) === undefined
  return isSecond && classOf(right, labels) !== undefined ? 1 : 0
}

/** The cells of all lines that are not empty. @throws TpError TP_DATA */
export async function readCells(path: string): Promise<Line[]> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new TpError('TP_DATA', 'eval', `${path}: there is no such file that can be read`, { cause })
  })
  return parseLines(path, decodeText(path, bytes))
}

/** @throws TpError TP_DATA for bytes that are no UTF-8 */
export function decodeText(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new TpError('TP_DATA', 'eval', `${path}: is not UTF-8 text`, { cause })
  }
}

function parseLines(path: string, text: string): Line[] {
  try {
    const records = parse(text, {
      delimiter: '\t',
      quote: null,
      record_delimiter: ['\r\n', '\n'],
      skip_empty_lines: true,
      relax_column_count: true,
      info: true,
    }) as unknown as { record: string[]; info: { lines: number } }[]
    return records.map(({ record, info }) => ({ cells: record, number: info.lines }))
  } catch (cause) {
    throw new TpError('TP_DATA', 'eval', `${path}: cannot be read as tab-separated text`, { cause })
  }
}
