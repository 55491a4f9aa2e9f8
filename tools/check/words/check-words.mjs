import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { createLinter, loadTextlintrc } from 'textlint'
import { runCommand } from '../command.mjs'
import { judged } from '../outcome.mjs'
import { root, tool } from '../workspace.mjs'
import { wordsOfPage, wordsOfSource } from './wording.mjs'

/** @typedef {import('../outcome.mjs').Outcome} Outcome */

/** Data, generated results and histories are kept unchanged. */
const exempt =
  /(^|\/)(fixtures|golden|CHANGELOG\.md)|^docs\/(results|demo)|^etc\/|^packages\/models\/|^tools\/check\/words\//

/** Files of the project whose words are ours. @param {RegExp} endings */
export function ownFiles(endings) {
  return execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((path) => endings.test(path) && !exempt.test(path))
}

/** Words by cspell, turns of phrase by textlint. @returns {Promise<Outcome[]>} */
export async function checkWords() {
  const command = [
    ...tool('cspell/bin.mjs'),
    '--no-progress',
    '--no-summary',
    '--cache',
    '--cache-location',
    'node_modules/.cache/cspell',
  ]
  const spelling = await runCommand([...command, '**/*.{ts,tsx,mjs,js,jsx,md,cc,h}'], { cwd: root })
  const found = await turnsOf(ownFiles(/\.(ts|tsx|mjs|js|jsx|md)$/))
  return [judged('spelling', spelling.ok ? [] : [spelling.output]), judged('turns of phrase', found)]
}

/**
 * Turns in pages, and in the comments, messages and names of tests of sources. Code between backquotes does not count.
 * @param {readonly string[]} paths
 */
export async function turnsOf(paths) {
  const configFilePath = join(root, 'tools/check/words/words.textlintrc.json')
  const linter = createLinter({ descriptor: await loadTextlintrc({ configFilePath }) })
  const prose = paths.flatMap((path) =>
    (path.endsWith('.md') ? wordsOfPage(path) : wordsOfSource(path).prose).map(({ line, text }) => ({
      at: `${path}:${line}`,
      text: text.replace(/`[^`]*`/g, 'X').replace(/\s+/g, ' '),
    })),
  )
  const { messages } = await linter.lintText(prose.map(({ text }) => text).join('\n'), 'prose.txt')
  return messages.map(({ line, message }) => `${prose[line - 1]?.at} ${message}`)
}
