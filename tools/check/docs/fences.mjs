/**
 * A fenced block of a document that is run, or written to a file.
 * @typedef {{
 *   file: string, line: number, language: 'sh' | 'ts', code: string, first: string, skip?: string,
 *   target?: string, inside?: string, needs?: string, slow?: true, clone?: true, output?: string,
 * }} Fence
 *   `file` relative to the root; `line` of its first line of code, from 1; `first`: shell commands of
 *   `<!-- first: … -->` comments right above it; `skip`: why it is not run; `target`: the file
 *   that the block is, relative to the folder where the document is followed; `inside`: the folder there in which it runs; `needs`: a file of the
 *   repository without which it cannot be run, since not every machine can build it; `slow`: only the exhaustive run runs it;
 *   `clone`: it runs in a fresh clone instead of a folder with installed packages;
 *   `output`: what a block `text output` right below it says that it prints
 */

const opening = /^( *)```(sh|ts)\b(.*)$/
const printed = /^ *```text output$/
const comment = /^ *<!-- first: (.*) -->$/

/**
 * Finds the `sh` and `ts` blocks. Blocks in other languages (`console`, `text`, `json` …) are for reading only.
 * @param {string} file
 * @param {string} text
 * @returns {Fence[]}
 */
export function fencesOf(file, text) {
  const lines = text.split('\n')
  /** @type {Fence[]} */
  const fences = []
  /** @type {string[]} */
  let first = []
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] ?? ''
    const [, indent = '', language, info = ''] = opening.exec(line) ?? []
    if (language === 'sh' || language === 'ts') {
      const end = closingOf(lines, i)
      const skip = /\bskip="([^"]+)"/.exec(info)?.[1]
      const target = /\bfile="([^"]+)"/.exec(info)?.[1]
      const inside = /\bin="([^"]+)"/.exec(info)?.[1]
      const words = info.replaceAll(/"[^"]*"/g, '').split(/\s+/)
      const needs = /\bneeds="([^"]+)"/.exec(info)?.[1]
      const code = lines
        .slice(i + 1, end)
        .map((text) => withoutIndent(text, indent))
        .join('\n')
      fences.push({
        file,
        line: i + 2,
        language,
        code,
        first: first.join('\n'),
        ...(skip && { skip }),
        ...(words.includes('slow') && { slow: true }),
        ...(words.includes('clone') && { clone: true }),
        ...(target && { target }),
        ...(inside && { inside }),
        ...(needs && { needs }),
      })
      i = end
    } else if (printed.test(line)) {
      const end = closingOf(lines, i)
      const above = fences.at(-1)
      const between = lines.slice((above?.line ?? 0) + (above?.code.split('\n').length ?? 0), i)
      if (above?.language !== 'sh' || between.some((text) => text.trim() !== '')) {
        throw new Error(`${file}:${i + 1}: "text output" must stand right below the sh block that prints it`)
      }
      above.output = lines.slice(i + 1, end).join('\n')
      i = end
    } else if (isFence(line)) {
      i = closingOf(lines, i)
    }
    const [, command] = comment.exec(line) ?? []
    if (command !== undefined) first.push(command)
    else first = []
  }
  return fences
}

/** @param {readonly string[]} lines @param {number} start */
function closingOf(lines, start) {
  const end = lines.findIndex((line, i) => i > start && isFence(line))
  return end === -1 ? lines.length : end
}

/** @param {string} line */
function isFence(line) {
  return line.trimStart().startsWith('```')
}

/** A block in a list is indented with its item. @param {string} line @param {string} indent */
function withoutIndent(line, indent) {
  return line.startsWith(indent) ? line.slice(indent.length) : line.trimStart()
}
