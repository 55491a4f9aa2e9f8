import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../workspace.mjs'
import { printedInMarkdown } from './markdown.mjs'

/** @typedef {import('./markdown.mjs').Printed} Printed */

/** @param {string} path relative to the root, without its extension @returns {Promise<any>} what is built of a module */
const built = (path) => import(`${root}/${path}.js`)

/** @param {...string} patterns @returns {string[]} files of the repository, relative to the root */
function filesOf(...patterns) {
  const list = ['ls-files', '-co', '--exclude-standard', '--', ...patterns]
  return execFileSync('git', list, { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => file !== '')
}

/** @param {string} file relative to the root */
const textOf = (file) => readFileSync(join(root, file), 'utf8')

/** Documents, results, changesets. @returns {Printed[]} */
export function ofDocuments() {
  return filesOf('*.md').flatMap((file) => printedInMarkdown(file, textOf(file)))
}

/** Pages of the site that are not documents: home, methods, the reference. @returns {Promise<Printed[]>} */
export async function ofPages() {
  const { allPages } = await built('apps/site/dist/pages/all-pages')
  /** @type {{ path: string, text: string, source?: string }[]} */
  const pages = allPages()
  return pages
    .filter(({ source }) => source === undefined)
    .flatMap(({ path, text }) => printedInMarkdown(`site/${path}`, text))
}

/** Examples of `tp COMMAND --help --verbose`. @returns {Promise<Printed[]>} */
export async function ofHelp() {
  const { commands } = await built('packages/cli/dist/commands/index')
  const { helpOf } = await built('packages/cli/dist/program/help')
  /** @type {Printed[]} */
  const found = []
  for (const [name, entry] of Object.entries(commands)) {
    const lines = helpOf(name, entry, await entry.load(), true).split('\n')
    for (const line of lines.filter((/** @type {string} */ line) => line.startsWith('  tp '))) {
      found.push({ at: `tp ${name} --help`, text: line.trim(), form: 'block' })
    }
  }
  return found
}

/**
 * Commands in messages that are made of parts: how to learn a method's values, and what follows a tuned plan. @returns
 * {Promise<Printed[]>}
 */
export async function ofMessages() {
  const { loadMethods, trainLine } = await built('packages/cli/dist/index')
  const { describePlan } = await built('packages/cli/dist/printing/plan-text')
  const files = { model: 'model.onnx', out: 'plan.json', weights: 'sdtp.safetensors' }
  const plan = { format: 1, method: 'sdtp', keep: 0.7, layers: [1] }
  const none = { estimate: 0, low: 0, high: 0 }
  const figures = { points: 'accuracy', loss: none, grid: [], maxLoss: 1, examples: 1 }
  /** @type {string} */
  const description = describePlan({ regimes: [{ plan }], figures, cascade: { threshold: 0.1, share: 0.1 } }, files)
  const next = description.split('\n').flatMap((line) => /^(?:next|then) {2}(tp .*)$/.exec(line)?.[1] ?? [])
  const train = [...(await loadMethods()).values()].flatMap(({ entry }) => trainLine(entry.create()) ?? [])
  return [...next, ...train].map((text) => ({ at: 'messages', text, form: 'block' }))
}

/** In the sources of messages, comments and helps: a command in a sentence, as far as its options go. @returns {Printed[]} */
export function ofSources() {
  const files = filesOf('packages/*/src/*', 'packages/*/*.mjs', 'apps/*/src/*', 'tools/*').filter(
    (file) => /\.(ts|tsx|mjs|js)$/.test(file) && !/\.test\.|\/test\/|^tools\/check\/printed\//.test(file),
  )
  return files.flatMap((file) =>
    textOf(file)
      .split('\n')
      .flatMap((line, i) =>
        [...line.matchAll(inSentences)].map(([text]) => ({
          at: `${file}:${i + 1}`,
          text,
          form: /** @type {const} */ ('span'),
        })),
      ),
  )
}

/** Modules that put a whole command line together, in place of the words that a reader gives; tests run what they make. */
export const composing = [
  'apps/site/src/methods/commands.ts', // ofPages
  'packages/cli/src/printing/plan-text.ts', // ofMessages
  'packages/cli/src/printing/train-line.ts', // ofMessages
  'packages/cli/src/program/completion.ts', // packages/cli/test/usage.test.ts
  'packages/cli/src/program/welcome.ts', // packages/cli/test/usage.test.ts
  'packages/models/src/main.ts', // the README at the root, which runs what it prints
]

/** Modules of messages that put a command line together. @returns {string[]} */
export function composingModules() {
  const files = filesOf('packages/*/src/*', 'apps/*/src/*', 'tools/*/src/*').filter(
    (file) => /\.(ts|tsx)$/.test(file) && !/\.test\./.test(file),
  )
  return files.filter((file) => /\btp (?:[a-z][\w-]*|\$\{command\}) \$\{/.test(textOf(file)))
}

const inSentences =
  /(?<![\w@/.-])(?:tp [a-z][\w-]*(?: --?[a-z][\w-]*)+|npm run [\w:-]+(?![\w:-]*\$)|npm test -- \w+|npm (?:create|rebuild) [@\w/.-]+\w|npx @tp\/cli [\w-]+)/g
