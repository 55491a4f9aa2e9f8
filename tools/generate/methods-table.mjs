import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root, workspacePackages } from '../check/workspace.mjs'
import { markdownTable } from './markdown-table.mjs'

/**
 * @typedef {{ name: string, family: string, description: string, paper?: { title: string, arxiv?: string },
 *   options: Record<string, { description: string, default?: unknown }> }} MethodEntry
 * @typedef {{ folder: string, name: string, methods: readonly MethodEntry[] }} MethodPackage `folder` relative to the root
 */

/** @returns {Promise<MethodPackage[]>} the packages with methods, as their built modules export them; core last */
export async function methodPackages() {
  const core = await importBuilt('packages/core')
  const plugins = workspacePackages().filter(({ manifest }) => manifest.name.startsWith('@tp/method-'))
  const packages = plugins.map(async ({ folder, manifest: { name } }) => {
    const { methods } = core.readPlugin(await importBuilt(folder), name)
    return { folder, name, methods }
  })
  return [...(await Promise.all(packages)), { folder: 'packages/core', name: '@tp/core', methods: core.baselines }]
}

/** @param {string} folder */
function importBuilt(folder) {
  return import(pathToFileURL(join(root, folder, 'dist/index.js')).href)
}

/** All methods, each with its package, for a page in docs/. @param {readonly MethodPackage[]} packages */
export function methodsTable(packages) {
  const rows = packages.flatMap(({ folder, name, methods }) =>
    methods.map((method) => [
      `\`${method.name}\``,
      method.description,
      `[${name.replace('@tp/method-', '').replace('@tp/', '')}](../${folder})`,
      arxiv(method),
    ]),
  )
  return markdownTable(['method', 'rule', 'package', 'arXiv'], rows)
}

/** The methods of one package, each with the names of its options, which `tp methods NAME` explains. @param {MethodPackage} methodPackage */
export function optionsTable({ methods }) {
  const rows = methods.map((method) => [`\`${method.name}\``, method.description, optionNames(method), arxiv(method)])
  return markdownTable(['method', 'what it does', 'options', 'arXiv'], rows)
}

/** @param {MethodEntry} entry */
function arxiv({ paper }) {
  return paper?.arxiv === undefined ? '' : `[${paper.arxiv}](https://arxiv.org/abs/${paper.arxiv})`
}

/** @param {MethodEntry} entry */
function optionNames({ options }) {
  return Object.keys(options)
    .map((name) => `\`${name}\``)
    .join(', ')
}
