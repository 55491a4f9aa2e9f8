import { runCommand } from './command.mjs'
import { judged } from './outcome.mjs'
import { root, tool } from './workspace.mjs'

/** @param {string} name @param {readonly string[]} command @returns {Promise<import('./outcome.mjs').Outcome[]>} */
async function byExitCode(name, command) {
  const { ok, output } = await runCommand(command, { cwd: root })
  return [judged(name, ok ? [] : [output])]
}

export const checkFormatAndLint = () =>
  byExitCode('biome', [
    ...tool('@biomejs/biome/bin/biome'),
    'ci',
    '--colors=off',
    '--error-on-warnings',
    '--max-diagnostics=50',
  ])

export const checkUnused = () => byExitCode('knip', [...tool('knip/bin/knip.js'), '--no-progress'])

/** Building checks the packages; this adds their tests and the scripts under tools/. */
export const checkTypes = async () => [
  ...(await byExitCode('types of packages', [...tool('typescript/bin/tsc'), '-b', '--pretty', 'false'])),
  ...(await byExitCode('types of tests', [
    ...tool('typescript/bin/tsc'),
    '-p',
    'tsconfig.test.json',
    '--pretty',
    'false',
  ])),
  ...(await byExitCode('types of tools', [...tool('typescript/bin/tsc'), '-p', 'tools', '--pretty', 'false'])),
]
