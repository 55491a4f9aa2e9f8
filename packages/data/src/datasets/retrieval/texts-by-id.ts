import { dataError } from '../table/data-error.ts'
import { readTable } from '../table/read-table.ts'

const ID_NAMES: readonly string[] = ['_id', 'id', 'docid', 'doc_id', 'query_id', 'qid']

/**
 * Texts by their identifiers, from a file as BEIR has it: JSON lines with `_id`, `text` and, of documents, `title`, which comes
 * before the text.
 * @throws TpError TP_DATA naming the line, or the columns
 */
export async function readTextsById(path: string): Promise<ReadonlyMap<string, string>> {
  const table = await readTable(path)
  const names = table.names ?? table.rows[0]?.cells.map((cell) => cell ?? '') ?? []
  const rows = table.names === undefined ? table.rows.slice(1) : table.rows
  const column = (candidates: readonly string[]): number =>
    names.findIndex((name) => candidates.includes(name.trim().toLowerCase()))
  const [id, text, title] = [column(ID_NAMES), column(['text']), column(['title'])]
  if (id < 0 || text < 0) {
    throw dataError(path, `has the columns ${names.slice(0, 12).join(', ')}; _id and text are needed`)
  }
  const texts = new Map<string, string>()
  for (const { cells, line } of rows) {
    const key = cells[id]
    if (key === undefined) throw dataError(`${path}, line ${line}`, `has no ${names[id]}`)
    if (texts.has(key)) throw dataError(`${path}, line ${line}`, `has the ${names[id]} ${key}, as an earlier line has`)
    texts.set(key, `${(title >= 0 && cells[title]) || ''} ${cells[text] ?? ''}`.trim())
  }
  return texts
}
