import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readText, root } from '../repository.ts'
import { type Page, titleOf } from './page.ts'

/** Documents that other pages stand below: their address is that of the folder. */
const overviews: ReadonlySet<string> = new Set(['methods', 'packages', 'results'])

/** Every document of docs/, CONTRIBUTING.md, and the READMEs of the packages. */
export function documentPages(): Page[] {
  const documents = markdownIn('docs').map((name) =>
    page(`docs/${name}.md`, overviews.has(name) ? `${name}/index.md` : `${name}.md`),
  )
  const packages = packageFolders().map((folder) => {
    return page(`${folder}/README.md`, `packages/${folder.slice(folder.indexOf('/') + 1)}.md`)
  })
  return [...documents, ...packages, page('CONTRIBUTING.md', 'contributing.md')]
}

/** Of the packages that are published, relative to the root. */
export function packageFolders(): string[] {
  const folders = ['packages', 'tools'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => `${parent}/${name}`),
  )
  return folders.filter((folder) => {
    const manifest = `${folder}/package.json`
    return existsSync(join(root, manifest)) && !(JSON.parse(readText(manifest)) as { private?: boolean }).private
  })
}

function page(source: string, path: string): Page {
  const text = readText(source)
  const title = titleOf(text)
  if (title === undefined) throw new Error(`${source} has no heading`)
  return { path, title, text, source }
}

function markdownIn(folder: string): string[] {
  const files = readdirSync(join(root, folder)).filter((name) => name.endsWith('.md'))
  return files.map((name) => name.slice(0, -'.md'.length)).sort()
}
