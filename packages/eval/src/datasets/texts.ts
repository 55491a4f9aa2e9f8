import { TpError } from '@tp/core'
import { type TextDataset, textDataset } from './dataset.ts'
import { readCells } from './tsv.ts'

/**
 * Texts without labels, one a line, UTF-8. Of several columns (labels, scores beside the sentence) the one that holds most
 * text is read. A header is recognised as elsewhere, by a cell `label`, or by one that is called `sentence` or `text`.
 * @throws TpError TP_DATA
 */
export async function readTexts(
  path: string,
  { limit }: { readonly limit?: number | undefined } = {},
): Promise<TextDataset> {
  const lines = await readCells(path)
  const isHeader = lines[0]?.cells.some((cell) => /^(?:label|sentence|text)$/i.test(cell.trim())) ?? false
  const rows = lines.slice(isHeader ? 1 : 0).slice(0, limit)
  if (rows.length === 0) throw new TpError('TP_DATA', 'eval', `${path}: holds no text`)
  const columns = Math.max(...rows.map(({ cells }) => cells.length))
  const sizes = Array.from({ length: columns }, (_, column) =>
    rows.reduce((sum, { cells }) => sum + (cells[column]?.length ?? 0), 0),
  )
  const longest = sizes.indexOf(Math.max(...sizes))
  const texts = rows.map(({ cells, number }) => {
    const source = `${path}, line ${number}`
    const text = cells[longest]
    if (text === undefined)
      throw new TpError('TP_DATA', 'eval', `${source}: has no column ${longest + 1}, where texts are`)
    return { text, label: -1, source }
  })
  return textDataset(path, texts)
}
