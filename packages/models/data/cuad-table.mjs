const ESCAPED = /** @type {Readonly<Record<string, string>>} */ ({ n: '\n', r: '\r', t: '\t' })

/**
 * The rows of a comma-separated table, whose cells may be quoted.
 * @param {string} text
 */
export function rowsOf(text) {
  /** @type {string[][]} */
  const rows = [[]]
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n"]*))(,|\r?\n|$)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end !== ',') rows.push([])
  }
  return rows.filter((row) => row.length > 1)
}

/**
 * The strings of a list as Python prints it: `['one', "it's"]`.
 * @param {string} cell
 */
export function literalsOf(cell) {
  return [...cell.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/gs)].map(([, single, double]) =>
    (single ?? double ?? '').replace(/\\(x..|u....|.)/gs, (_, code) =>
      code.length > 1 ? String.fromCodePoint(Number.parseInt(code.slice(1), 16)) : (ESCAPED[code] ?? code),
    ),
  )
}
