import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, workspacePackages } from '../check/workspace.mjs'
import { methodsTable } from './methods-table.mjs'
import { replaceRegion } from './region.mjs'

/**
 * Every file of the repository that is generated, whole or in part, as it should be now.
 * @returns {Promise<{ file: string, text: string, present: string }[]>} `file` relative to the root
 */
export async function generatedFiles() {
  return [
    withPresent('README.md', (text) => replaceRegion(text, 'packages', packagesTable()), await readmeMethods()),
    withPresent('tsconfig.json', () => rootReferences()),
  ]
}

/** @returns {Promise<string[]>} the files that were changed */
export async function writeGenerated() {
  const stale = (await generatedFiles()).filter(({ text, present }) => text !== present)
  for (const { file, text } of stale) writeFileSync(join(root, file), text)
  return stale.map(({ file }) => file)
}

async function readmeMethods() {
  const table = await methodsTable()
  return (/** @type {string} */ text) => replaceRegion(text, 'methods', table)
}

/** @param {string} file @param {...((text: string) => string)} edits */
function withPresent(file, ...edits) {
  const path = join(root, file)
  const present = existsSync(path) ? readFileSync(path, 'utf8') : ''
  return { file, present, text: edits.reduce((text, edit) => edit(text), present) }
}

function packagesTable() {
  const rows = workspacePackages()
    .filter(({ manifest }) => !manifest.private)
    .map(({ folder, manifest }) => `| [\`${manifest.name}\`](${folder}) | ${manifest.description} |`)
  return ['| package | what it does |', '| --- | --- |', ...rows].join('\n')
}

function rootReferences() {
  const references = workspacePackages()
    .filter(({ folder }) => existsSync(join(root, folder, 'tsconfig.json')))
    .map(({ folder }) => ({ path: folder }))
  return `${JSON.stringify({ files: [], references }, null, 2)}\n`
}
