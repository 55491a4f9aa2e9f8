/** Rows under their headings, columns two spaces apart; columns named in `left` are aligned there, numbers to the right. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  left: readonly string[] = [],
): string {
  const lines = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  return lines
    .map((line) =>
      line
        .slice(0, headings.length)
        .map((cell, column) => {
          const width = widths[column] as number
          return left.includes(headings[column] as string) ? cell.padEnd(width) : cell.padStart(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
