import { dataError } from './data-error.ts'
import { linesOf } from './table-size.ts'

/** The text of a JSON object, and the line that it begins in, from 1. */
export interface JsonText {
  readonly content: string
  readonly line: number
}

/**
 * The texts of the objects in a file: one a line, or those of a list.
 * @throws TpError TP_DATA for a list that does not end, or holds something else
 */
export function* jsonObjects(path: string, text: string): Generator<JsonText> {
  if (text.trimStart().startsWith('[')) return yield* listed(path, text)
  let line = 0
  for (const content of linesOf(text)) {
    line++
    if (content.trim() !== '') yield { content, line }
  }
}

/** Pieces of a list between brackets and commas, strings apart. A parser judges their contents. */
function* listed(path: string, text: string): Generator<JsonText> {
  const marks = /"(?:[^"\\]|\\.)*"|[[\]{},\n]/gs
  let [depth, line, start, startLine] = [0, 1, 0, 1]
  for (const { 0: mark, index } of text.matchAll(marks)) {
    if (mark === '\n') line++
    else if (mark === '[' || mark === '{') {
      depth++
      if (depth === 1) start = index + 1
      if (depth === 2) startLine = line
    } else if (mark === ']' || mark === '}' || mark === ',') {
      const endsPiece = depth === 1
      if (mark !== ',') depth--
      if (!endsPiece) continue
      const content = text.slice(start, index)
      if (content.trim() !== '') yield { content, line: startLine }
      else if (mark === ',') throw dataError(`${path}, line ${line}`, 'is invalid JSON: nothing is before a comma')
      start = index + 1
      startLine = line
      if (depth === 0) {
        if (text.slice(index + 1).trim() !== '')
          throw dataError(`${path}, line ${line}`, 'is invalid JSON: something follows the list')
        return
      }
    }
  }
  throw dataError(path, 'is invalid JSON: its list does not end; is it cut off?')
}
