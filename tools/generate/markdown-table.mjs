/** A table as Markdown has it. @param {readonly string[]} headings @param {readonly (readonly string[])[]} rows */
export function markdownTable(headings, rows) {
  return [headings, headings.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
