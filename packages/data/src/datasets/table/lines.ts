/** The character that ends each line of a text: a carriage return, as old Macs wrote it, in one without any line feed. */
export type LineEnd = '\n' | '\r'

export function lineEndOf(text: string): LineEnd {
  return text.includes('\n') ? '\n' : '\r'
}

/** Separators of two records of a table with such lines. */
export function recordDelimiters(end: LineEnd): string[] {
  return end === '\r' ? ['\r'] : ['\r\n', '\n']
}

/** The lines of a text, one at a time, without their ends. */
export function* linesOf(text: string, mark: LineEnd = lineEndOf(text)): Generator<string> {
  for (let start = 0; start <= text.length; ) {
    const end = text.indexOf(mark, start)
    const line = text.slice(start, end < 0 ? text.length : end)
    yield line.endsWith('\r') ? line.slice(0, -1) : line
    start = end < 0 ? text.length + 1 : end + 1
  }
}
