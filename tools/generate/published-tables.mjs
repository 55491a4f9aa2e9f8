import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../check/workspace.mjs'
import { markdownTable } from './markdown-table.mjs'

/** @typedef {{ what: string, license: string, source?: string, repository?: string, base?: string, data?: string }} Published */

/** The models that `npm run models` installs. */
export async function modelsTable() {
  const { realModels } = await built('models/published.js')
  const { trainedModels } = await built('trained/models.js')
  const rows = rowsOf({ ...realModels, ...trainedModels }, ({ source, base, data }) => {
    return source ?? `${base}, trained here on ${data}`
  })
  return markdownTable(['model', 'task and form', 'source', 'license'], rows)
}

/** The data that `npm run models` installs. */
export async function suitesTable() {
  const { suites } = await built('suites/published.js')
  const rows = rowsOf(suites, ({ repository }) => `[${repository}](https://github.com/${repository})`)
  return markdownTable(['data', 'task and size', 'source', 'license'], rows)
}

/** @param {string} module of tools/real-models */
function built(module) {
  return import(pathToFileURL(join(root, 'tools/real-models/dist', module)).href)
}

/** @param {Record<string, Published>} published @param {(entry: Published) => string} sourceOf */
function rowsOf(published, sourceOf) {
  return Object.entries(published).map(([name, entry]) => [name, entry.what, sourceOf(entry), entry.license])
}
