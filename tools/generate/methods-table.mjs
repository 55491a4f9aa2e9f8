import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root, workspacePackages } from '../check/workspace.mjs'

/** @typedef {{ name: string, family: string, paper?: { title: string, arxiv?: string } }} Method */

/** The methods of core and of every `@tp/method-*`, as their built modules export them. */
export async function methodsTable() {
  const rows = []
  for (const { folder, manifest } of workspacePackages()) {
    if (manifest.name !== '@tp/core' && !manifest.name.startsWith('@tp/method-')) continue
    for (const { name, family, paper } of await methodsOf(join(root, folder, 'dist', 'index.js'))) {
      rows.push(`| \`${name}\` | ${family} | \`${manifest.name}\` | ${citation(paper)} |`)
    }
  }
  return ['| method | family | package | paper |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

/** @param {string} path a built module @returns {Promise<Method[]>} */
async function methodsOf(path) {
  if (!existsSync(path)) return []
  const { default: methods = {} } = await import(pathToFileURL(path).href)
  return Object.values(methods).map((method) => (typeof method === 'function' ? method({}) : method))
}

/** @param {Method['paper']} paper */
function citation(paper) {
  if (paper === undefined) return ''
  return paper.arxiv === undefined ? paper.title : `[${paper.title}](https://arxiv.org/abs/${paper.arxiv})`
}
