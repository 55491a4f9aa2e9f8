/** A doc comment as its author wrote it, in parts. */
export interface DocComment {
  /** Its paragraphs and formulas, in order. */
  readonly blocks: readonly { readonly kind: 'text' | 'formula'; readonly text: string }[]
  /** Of its tags: `throws TpError TP_OPTION`. */
  readonly tags: readonly string[]
  /** Code of its examples. */
  readonly examples: readonly string[]
}

/**
 * The doc comment right above an exported declaration.
 * @param text of a module
 */
export function docCommentOf(text: string, name: string): DocComment | undefined {
  const declaration = `export (?:declare )?(?:abstract )?(?:async )?(?:function|const|interface|type|class)\\*? ${name.replaceAll('$', '\\$')}\\b`
  const [, comment] = new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\n${declaration}`).exec(text) ?? []
  return comment === undefined ? undefined : parse(comment)
}

function parse(comment: string): DocComment {
  const lines = comment.split('\n').map((line) => line.replace(/^ *\* ?/, '').trimEnd())
  const first = lines.findIndex((line) => line.trimStart().startsWith('@'))
  const prose = first < 0 ? lines : lines.slice(0, first)
  const blocks: { kind: 'text' | 'formula'; text: string }[] = []
  let isNew = true
  for (const line of prose) {
    const kind = /^ {2,}\S/.test(line) ? 'formula' : 'text'
    const last = blocks.at(-1)
    if (line.trim() === '') {
      // An empty line inside a formula belongs to it if the formula goes on.
      isNew = true
      continue
    }
    if (last === undefined || isNew || last.kind !== kind)
      blocks.push({ kind, text: kind === 'text' ? line.trim() : line })
    else last.text += kind === 'text' && !/^ *- /.test(line) ? ` ${line.trim()}` : `\n${line}`
    isNew = false
  }
  const rest = first < 0 ? '' : lines.slice(first).join('\n')
  const parts = rest
    .split(/^\s*@/m)
    .map((part) => part.trim())
    .filter((part) => part !== '')
  const isExample = (part: string): boolean => part.startsWith('example')
  return {
    blocks: blocks.map(({ kind, text }) => ({ kind, text: kind === 'text' ? linked(text) : text })),
    tags: parts.filter((part) => !isExample(part)).map((part) => linked(part.replaceAll(/\s+/g, ' '))),
    examples: parts.filter(isExample).map((part) =>
      part
        .replace(/^example\s*/, '')
        .replace(/^```\w*\n/, '')
        .replace(/\n?```$/, ''),
    ),
  }
}

/** `{@link name}` as code. */
function linked(text: string): string {
  return text.replaceAll(/\{@link ([^}|\s]+)[^}]*\}/g, '`$1`')
}

/** As Markdown, without its tags. */
export function markdownOf({ blocks }: DocComment): string {
  return blocks.map(({ kind, text }) => (kind === 'formula' ? formula(text) : escaped(text))).join('\n\n')
}

/** A box whose long lines are broken. */
function formula(text: string): string {
  return `<div class="formula">\n\n\`\`\`text\n${dedented(text)}\n\`\`\`\n\n</div>`
}

/** Characters of a line that fits the box of a formula on a desktop. */
const WIDTH = 78

/** Without the common indent, and with two spaces before what goes on; where a line does not fit, shapes are not set apart as far as in the source, or stand on a line of their own. */
function dedented(text: string): string {
  const lines = text.split('\n')
  const indent = Math.min(...lines.map((line) => line.length - line.trimStart().length))
  const own = lines.map((line) => line.slice(indent).replace(/^ {3,}/, '  '))
  return own
    .map((line) => {
      if (line.length <= WIDTH) return line
      const near = line.replaceAll(/(?<=\S) {3,}(?=\S)/g, '   ')
      return near.length <= WIDTH ? near : near.replace(/ {3}(?=\[[^[]*(?:\[[^[]*)?$)/, '\n    ')
    })
    .join('\n')
}

/** Escapes text that would be read as a tag or as an expression of a page's template, outside of code. */
export function escaped(text: string): string {
  const parts = text.split(/(`[^`]*`)/)
  return parts
    .map((part, i) =>
      i % 2 === 1
        ? part
        : part
            .replaceAll('<', '&lt;')
            .replaceAll('{{', '&#123;&#123;')
            .replaceAll('*', '\\*')
            .replaceAll('[', '\\[')
            .replaceAll('_', '\\_'),
    )
    .join('')
}
