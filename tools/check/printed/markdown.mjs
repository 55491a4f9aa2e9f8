/**
 * A script, or a part of a sentence, that a reader may type.
 * @typedef {{ at: string, text: string, form: 'block' | 'span', isRun?: boolean }} Printed
 *   `at`: `docs/start.md:12`; `form`: a whole script, or a command in a line of text, which may be the beginning of one; `isRun`: the
 *   group `docs` runs it as it stands, every day or in the exhaustive run
 */

const programs = /^(?:\$ )?(?:npx|npm|pnpm|tp|node) /
const shells = new Set(['sh', 'bash', 'shell', 'console'])

/**
 * The commands that a text in Markdown prints: its blocks for a shell, fenced or indented, and its code in lines of text that
 * begins with a program of ours.
 * @param {string} at
 * @param {string} text
 * @returns {Printed[]}
 */
export function printedInMarkdown(at, text) {
  /** @type {Printed[]} */
  const found = []
  /** @type {{ language: string, line: number, lines: string[], isRun: boolean } | undefined} */
  let open
  for (const [i, line] of text.split('\n').entries()) {
    const [, language, info = ''] = /^ *```(\w*)(.*)$/.exec(line) ?? []
    if (open === undefined && language !== undefined) {
      open = { language, line: i + 2, lines: [], isRun: language === 'sh' && !/\bskip="/.test(info) }
    } else if (open !== undefined && language !== undefined) {
      const script = shells.has(open.language) ? typedIn(open.language, open.lines) : ''
      if (script !== '') found.push({ at: `${at}:${open.line}`, text: script, form: 'block', isRun: open.isRun })
      open = undefined
    } else if (open !== undefined) {
      open.lines.push(line)
    } else if (/^ {4,}/.test(line) && programs.test(line.trim())) {
      found.push({ at: `${at}:${i + 1}`, text: line.trim(), form: 'block' })
    } else {
      for (const [, code = ''] of line.matchAll(/(?<!`)`([^`]+)`(?!`)/g)) {
        if (programs.test(code)) found.push({ at: `${at}:${i + 1}`, text: withoutBrackets(code), form: 'span' })
      }
    }
  }
  return found
}

/**
 * The commands in a block. A session (`console`) shows what its commands print, too: only lines with a prompt are typed there,
 * with those that they go on in; without a prompt all are, if the first one begins with a program of ours.
 * @param {string} language
 * @param {readonly string[]} lines
 */
function typedIn(language, lines) {
  if (language !== 'console') return lines.join('\n')
  if (!lines.some((line) => /^ *\$ /.test(line))) return programs.test(lines[0] ?? '') ? lines.join('\n') : ''
  let goesOn = false
  const typed = lines.filter((line) => {
    const isTyped = goesOn || /^ *\$ /.test(line)
    goesOn = isTyped && line.endsWith('\\')
    return isTyped
  })
  return typed.map((line) => line.replace(/^ *\$ /, '')).join('\n')
}

/** `-t <name>` stands for a word; bash would read a file. @param {string} code */
function withoutBrackets(code) {
  return code.replaceAll(/<([\w-]+)>/g, '$1')
}
