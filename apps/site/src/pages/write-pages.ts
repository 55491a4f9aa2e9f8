import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Menus } from '../navigation.ts'
import { repositoryUrl, root } from '../repository.ts'
import type { Page } from './page.ts'

/** The file that the configuration of VitePress reads. */
export interface SiteFacts {
  readonly menus: Menus
  readonly repositoryUrl: string
}

/** Writes pages, what they show and the menus to a folder, which is emptied first. */
export async function writePages(folder: string, pages: readonly Page[], menus: Menus): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  for (const page of pages) {
    const path = join(folder, page.path)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, page.text.startsWith('---\n') ? page.text : `${frontmatterOf(page)}${page.text}`)
  }
  const facts: SiteFacts = { menus, repositoryUrl }
  await writeFile(join(folder, 'site.json'), JSON.stringify(facts))
  await cp(join(root, 'apps/site/icon.svg'), join(folder, 'public/icon.svg'))
  for (const images of ['images', 'results']) {
    await cp(join(root, 'docs', images), join(folder, 'public', images), {
      recursive: true,
      filter: (path) => !/\.(md|jsonl)$/.test(path),
    })
  }
}

/** A page that is a file of the repository can be edited there. */
function frontmatterOf({ source, text }: Page): string {
  const description = descriptionOf(text)
  const lines = [
    source === undefined ? 'editLink: false' : `source: ${source}`,
    ...(description === undefined ? [] : [`description: ${JSON.stringify(description)}`]),
  ]
  return `---\n${lines.join('\n')}\n---\n\n`
}

/** The first sentences of the first paragraph, for search engines. */
function descriptionOf(text: string): string | undefined {
  const paragraphs = text.split(/\n{2,}/).map((paragraph) => paragraph.replaceAll('\n', ' ').trim())
  const first = paragraphs.find((paragraph) => /^[\w*`"“‘[]/.test(paragraph))
  const plain = first?.replaceAll(/\[([^\]]*)\]\([^)]*\)(\{[^}]*\})?/g, '$1').replaceAll(/[`*\\]/g, '')
  return plain === undefined || plain.length <= 160 ? plain : `${plain.slice(0, plain.lastIndexOf(' ', 157))} …`
}
