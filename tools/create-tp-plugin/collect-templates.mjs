// Writes dist/templates.json: the files of tools/example-*, as they are in a folder of their own. One file, since npm leaves
// .gitignore and similar files out of packages, and our tests would be found twice.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const tools = fileURLToPath(new URL('..', import.meta.url))
const root = join(tools, '..')

const templates = { method: filesOf('example-plugin'), runtime: filesOf('example-runtime') }
writeFileSync(new URL('dist/templates.json', import.meta.url), JSON.stringify(templates))

/** @param {string} name @returns {Record<string, string>} texts by path */
function filesOf(name) {
  const folder = join(tools, name)
  const made = ['node_modules', 'dist', '.turbo']
  // From the top: a walk through node_modules follows its links into the whole workspace.
  const own = readdirSync(folder).filter((name) => !made.includes(name))
  return Object.fromEntries(
    own
      .flatMap((name) => {
        const inside = statSync(join(folder, name)).isDirectory()
          ? readdirSync(join(folder, name), { recursive: true, encoding: 'utf8' })
          : ['']
        return inside.map((path) => join(name, path))
      })
      .filter((path) => statSync(join(folder, path)).isFile())
      .sort()
      .map((path) => [relative('', path).replaceAll(sep, '/'), alone(join(folder, path))]),
  )
}

/** A file without what ties it to this repository. @param {string} path */
function alone(path) {
  const text = readFileSync(path, 'utf8')
  switch (basename(path)) {
    case 'package.json':
      return json(manifest(JSON.parse(text)))
    case 'tsconfig.json':
      return json(compilerSettings(JSON.parse(text)))
    case 'README.md':
      // marks for our own check of documents
      return text.replace(/^<!-- first: .*\n/gm, '').replace(/^(```\w+) skip=".*"$/gm, '$1')
    default:
      return text
  }
}

/**
 * Ranges for the packages of the workspace, as publishing writes them.
 * @param {Record<string, any>} manifest
 */
function manifest({ private: _, ...manifest }) {
  for (const group of ['peerDependencies', 'devDependencies']) {
    for (const [name, range] of Object.entries(manifest[group])) {
      if (range.startsWith('workspace:')) manifest[group][name] = `^${versionOf(name)}`
    }
  }
  return manifest
}

/** @param {string} name @returns {string} */
function versionOf(name) {
  return JSON.parse(readFileSync(join(root, 'packages', name.replace('@tp/', ''), 'package.json'), 'utf8')).version
}

/** @param {{ compilerOptions: object, include: string[], exclude: string[] }} settings */
function compilerSettings({ compilerOptions, include, exclude }) {
  const base = JSON.parse(readFileSync(join(root, 'tsconfig.base.json'), 'utf8'))
  return { compilerOptions: { ...base.compilerOptions, ...compilerOptions }, include, exclude }
}

/** @param {object} value */
function json(value) {
  return `${JSON.stringify(value, null, 2)}\n`
}
