import stringWidth from 'fast-string-width'

/** A command line that is printed to be typed: indented, or after `next` and `then`. One with columns is a list of commands. */
const typed = /^( {2,}|(?:next|then) {2})((?:npx )?tp [a-z-]+ (?!.* {2})\S.*)$/

/** As a shell divides it: what is quoted is one word, with the text around it. */
const words = /(?:'[^']*'|\\.|[^\s'])+/g

/**
 * A command line that is too long for a terminal, so that it can still be copied: each line but the last ends in a backslash.
 * @returns undefined for a line that is not a command
 */
export function wrappedCommand(line: string, columns: number): string | undefined {
  const [, margin = '', command] = typed.exec(line) ?? []
  if (command === undefined) return undefined
  const indent = ' '.repeat(margin.length + 2)
  const lines: string[] = []
  let open = margin
  for (const word of command.match(words) ?? []) {
    const isEmpty = open === margin
    if (!isEmpty && stringWidth(`${open} ${word} \\`) > columns) {
      lines.push(`${open} \\`)
      open = indent + word
    } else open += isEmpty ? word : ` ${word}`
  }
  return [...lines, open].join('\n')
}

/** The words that a reader types before `tp`: `npx`, where it has started this process. */
export function typedLauncher({ npm_command: command }: NodeJS.ProcessEnv = process.env): string {
  return command === 'exec' ? 'npx ' : ''
}
