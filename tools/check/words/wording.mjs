import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'oxc-parser'
import { root } from '../workspace.mjs'

/** @typedef {{ line: number, text: string }} Words */

/**
 * The words of a source file: names that it declares, titles of its tests, exported types, and its prose: comments, doc comments,
 * and strings of two words and more. Each with its line.
 * @param {string} path
 */
export function wordsOfSource(path) {
  const text = readFileSync(join(root, path), 'utf8')
  const { program, comments } = parseSync(path, text)
  const lines = lineCounter(text)
  /** @type {Record<'names' | 'titles' | 'types' | 'prose', Words[]>} */
  const words = { names: [], titles: [], types: [], prose: [] }
  for (const { value, start } of comments) words.prose.push({ line: lines(start), text: commentText(value) })
  visit(program, undefined, (node, parent) => {
    const line = lines(node.start)
    for (const name of declaredNames(node, parent)) words.names.push({ line, text: name })
    if (node.type === 'CallExpression' && isTest(node.callee)) {
      const title = stringText(node.arguments[0])
      if (title !== undefined) words.titles.push({ line, text: title })
    }
    if (node.type === 'ExportNamedDeclaration' && /^TS(Interface|TypeAlias)Declaration$/.test(node.declaration?.type))
      words.types.push({ line, text: node.declaration.id.name })
    const literal = stringText(node)
    if (literal !== undefined && / /.test(literal) && parent?.type !== 'ImportDeclaration')
      words.prose.push({ line, text: literal })
    if (node.type === 'JSXText' && / /.test(node.value.trim()))
      words.prose.push({ line, text: node.value.replace(/\s+/g, ' ') })
  })
  return words
}

/**
 * The paragraphs of a page, without its headings and blocks of code; each with its line.
 * @param {string} path
 */
export function wordsOfPage(path) {
  /** @type {Words[]} */
  const prose = []
  let isCode = false
  let isOpen = false
  for (const [i, text] of readFileSync(join(root, path), 'utf8').split('\n').entries()) {
    if (/^\s*(```|~~~)/.test(text)) isCode = !isCode
    const begins = /^\s*([-*] |\d+\. |\|)/.test(text)
    if (isCode || text.trim() === '' || text.startsWith('#')) isOpen = false
    else if (isOpen && !begins) /** @type {Words} */ (prose.at(-1)).text += ` ${text.trim()}`
    else {
      prose.push({ line: i + 1, text: text.replace(/^\s*([-*]|\d+\.) /, '').trim() })
      isOpen = true
    }
  }
  return prose
}

/**
 * Names that a node declares: of variables, functions, types, parameters, and properties of types and classes.
 * @param {any} node
 * @param {any} parent
 * @returns {string[]}
 */
function declaredNames(node, parent) {
  switch (node.type) {
    case 'VariableDeclarator':
      return patternNames(node.id)
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
    case 'TSDeclareFunction':
    case 'TSFunctionType':
    case 'TSMethodSignature':
    case 'TSEmptyBodyFunctionExpression':
      return [...(node.id ? [node.id.name] : []), ...(node.params ?? []).flatMap(patternNames), ...keyNames(node)]
    case 'ClassDeclaration':
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
      return [node.id?.name].filter(Boolean)
    case 'TSPropertySignature':
    case 'PropertyDefinition':
    case 'MethodDefinition':
      return keyNames(node)
    case 'Property':
      return parent?.type === 'ObjectExpression' && !node.shorthand ? keyNames(node) : []
    case 'CatchClause':
      return node.param ? patternNames(node.param) : []
    default:
      return []
  }
}

/** @param {any} node */
function keyNames({ key, computed }) {
  return key?.type === 'Identifier' && !computed ? [key.name] : []
}

/** @param {any} pattern @returns {string[]} */
function patternNames(pattern) {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern.name]
    case 'ObjectPattern':
      return pattern.properties.flatMap((/** @type {any} */ property) =>
        patternNames(property.value ?? property.argument),
      )
    case 'ArrayPattern':
      return pattern.elements.flatMap(patternNames)
    case 'AssignmentPattern':
      return patternNames(pattern.left)
    case 'RestElement':
      return patternNames(pattern.argument)
    case 'TSParameterProperty':
      return patternNames(pattern.parameter)
    default:
      return []
  }
}

/**
 * True for the callee of `test(…)`, `describe(…)`, `test.each(…)(…)`, `test.skipIf(…)(…)`.
 * @param {any} callee
 * @returns {boolean}
 */
function isTest(callee) {
  if (callee.type === 'Identifier') return /^(test|describe|it)$/.test(callee.name)
  if (callee.type === 'MemberExpression') return isTest(callee.object)
  if (callee.type === 'CallExpression' || callee.type === 'TaggedTemplateExpression')
    return isTest(callee.callee ?? callee.tag)
  return false
}

/**
 * The text of a string, or of a template with `…` for its values.
 * @param {any} node
 * @returns {string | undefined}
 */
function stringText(node) {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value
  if (node?.type === 'TemplateLiteral')
    return node.quasis.map((/** @type {any} */ { value }) => value.cooked ?? '').join('…')
  return undefined
}

/** @param {string} value */
function commentText(value) {
  return value
    .split('\n')
    .map((line) => line.replace(/^\s*\*+ ?/, '').trim())
    .join('\n')
    .trim()
}

/**
 * @param {any} node
 * @param {any} parent
 * @param {(node: any, parent: any) => void} see
 */
function visit(node, parent, see) {
  see(node, parent)
  for (const key in node) {
    const child = node[key]
    if (Array.isArray(child)) {
      for (const one of child) if (one && typeof one.type === 'string') visit(one, node, see)
    } else if (child && typeof child.type === 'string') visit(child, node, see)
  }
}

/** @param {string} text */
function lineCounter(text) {
  const starts = [0]
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1)
  return (/** @type {number} */ offset) => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (/** @type {number} */ (starts[middle]) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}
