import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../check/workspace.mjs'
import { markdownTable } from './markdown-table.mjs'

const FOLDER = 'packages/core/src/ops'

/** Exported alongside, but not for building expressions from others. */
const others = new Set(['constantOf', 'input'])

/** The functions that expressions are built with, by what they say of themselves. */
export function operatorsTable() {
  const exported = [...read('index.ts').matchAll(/^export \{([^}]*)\} from '\.\/(.+)'$/gm)]
  /** @type {string[]} */
  const plain = []
  /** @type {[string, string][]} */
  const rows = []
  for (const [, names = '', file = ''] of exported) {
    const text = read(file)
    for (const name of names.split(',').map((part) => part.trim())) {
      if (!/^[a-z]\w*$/.test(name) || others.has(name)) continue
      const sentence = sentenceOf(text, name)
      if (sentence === undefined) plain.push(`\`${name}\``)
      else rows.push([`\`${name}\``, sentence])
    }
  }
  const sort = (/** @type {string} */ a, /** @type {string} */ b) => (a < b ? -1 : 1)
  const table = markdownTable(
    ['function', 'what it computes'],
    rows.sort(([a], [b]) => sort(a, b)),
  )
  return `${table}\n\nAs in ONNX, by their names: ${plain.sort(sort).join(', ')}.`
}

/** @param {string} file */
function read(file) {
  return readFileSync(join(root, FOLDER, file), 'utf8')
}

/** The first sentence of a function's own doc comment. @param {string} text @param {string} name */
function sentenceOf(text, name) {
  const pattern = new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\nexport (?:function|const) ${name}\\b`)
  const [, comment] = pattern.exec(text) ?? []
  const [sentence] = (comment ?? '')
    .replace(/\n? *\*? +/g, ' ')
    .trim()
    .split(/(?<=\.)(?: |$)/)
  return sentence === '' || sentence === undefined
    ? undefined
    : sentence.replace(/\{@link (\w+)\}/g, '`$1`').replaceAll('|', '\\|')
}
