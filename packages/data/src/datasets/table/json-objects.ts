import { dataError } from './data-error.ts'
import { linesOf } from './lines.ts'

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
  const marks = /["[\]{},\n]/g
  let [depth, line, start, startLine] = [0, 1, 0, 1]
  for (let found = marks.exec(text); found !== null; found = marks.exec(text)) {
    const { 0: mark, index } = found
    if (mark === '"') marks.lastIndex = afterString(text, index)
    else if (mark === '\n') line++
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

/** The position after a string that begins at a quote; the end of the text if it does not end. Step by step: patterns of strings run out of memory. */
function afterString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text[end - 1 - slashes] === '\\') slashes++
    if (slashes % 2 === 0) return end + 1
  }
  return text.length
}
