import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../check/workspace.mjs'
import { markdownTable } from './markdown-table.mjs'

/** @typedef {{ cause: string, cure: string, exit?: number }} ErrorEntry */

/** The codes of `TpError`, as core is built. @returns {Promise<Readonly<Record<string, ErrorEntry>>>} */
export async function errorCodes() {
  return (await import(pathToFileURL(join(root, 'packages/core/dist/error-codes.js')).href)).errorCodes
}

/** The whole page of errors. Messages of `tp` name its anchors. @param {Readonly<Record<string, ErrorEntry>>} codes */
export function errorsPage(codes) {
  const entries = Object.entries(codes)
  const rows = entries.map(([code, { cause, cure }]) => [`<a id="${code.toLowerCase()}"></a>\`${code}\``, cause, cure])
  const usage = entries.filter(([, { exit }]) => exit === 2).map(([code]) => `\`${code}\``)
  const exits = [
    ['0', 'done'],
    ['1', 'failed, by any code that no other line names'],
    ['2', `bad usage: ${usage.join(', ')}`],
    ['3', 'a demand is not met: `--max-loss`, `--min-speedup`'],
    ['4', 'the model is refused: it cannot be pruned, packed or changed as requested'],
    ['130', 'ended by Ctrl-C, or `TP_ABORTED`'],
    ['143', 'ended by SIGTERM'],
  ]
  return `# Errors

Each error has a code that stays the same between versions. \`tp\` prints what it found and what to do, the address of a row below, and the
code. In a program, a \`TpError\` or a refusal has it as \`code\`. A refusal means
that the model cannot be changed as requested.

## Exit codes of tp

${markdownTable(['exit code', 'meaning'], exits)}

## Codes

${['code | cause | cure', '--- | --- | ---', ...rows.map((cells) => cells.join(' | '))].join('\n')}
`
}
