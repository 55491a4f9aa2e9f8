/** Names of the regions of a text. @param {string} text */
export function regionsIn(text) {
  return [...text.matchAll(/^<!-- generated: ([\w-]+) -->$/gm)].map(([, name = '']) => name)
}

/**
 * Replaces the text between `<!-- generated: NAME -->` and `<!-- end of NAME -->`, both on lines of their own.
 * @param {string} file for the message
 * @param {string} text
 * @param {string} name
 * @param {string} content without a line break at its end
 * @returns {string}
 */
export function replaceRegion(file, text, name, content) {
  const begin = `<!-- generated: ${name} -->`
  const end = `<!-- end of ${name} -->`
  const lines = text.split('\n')
  const [first, second] = [lines.indexOf(begin), lines.indexOf(end)]
  if (first === -1 || second < first || lines.lastIndexOf(begin) !== first || lines.lastIndexOf(end) !== second) {
    throw new Error(`${file}: there must be one "${begin}" and, after it, one "${end}", each on its own line.`)
  }
  return [...lines.slice(0, first + 1), '', content, '', ...lines.slice(second)].join('\n')
}
