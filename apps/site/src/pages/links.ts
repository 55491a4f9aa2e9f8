import { existsSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { repositoryUrl, root } from '../repository.ts'
import { addressOf, type Page } from './page.ts'

/** Parts of the site that are not pages of VitePress, by its path in the repository. */
export const files: ReadonlyMap<string, string> = new Map([['apps/demo', '/demo/']])

/** Turns the links of documents, which lead to files of the repository, into links of the site. */
export class Links {
  /** Path in the repository → address. A folder is its README. */
  readonly #addresses: ReadonlyMap<string, string>

  constructor(pages: readonly Page[]) {
    const own = pages.flatMap((page): [string, string][] => {
      if (page.source === undefined) return []
      const folder = /^(.+)\/README\.md$/.exec(page.source)?.[1]
      return [
        [page.source, addressOf(page)],
        ...(folder === undefined ? [] : [[folder, addressOf(page)] as [string, string]]),
      ]
    })
    this.#addresses = new Map([['README.md', '/'], ...own])
  }

  /** The text of a page with its links, its images, and without what only the checks of documents read. */
  inSite(page: Page): string {
    const { text, source } = page
    if (source === undefined) return text
    // Every second part is a block of code.
    const parts = text.split(/^( *```[\s\S]*?^ *```$)/m)
    return parts
      .map((part, i) => (i % 2 === 1 ? part.replace(/^( *```\w*).*/, '$1') : this.#prose(source, part)))
      .join('')
  }

  #prose(source: string, text: string): string {
    const linked = text.replaceAll(
      /(!?)(\[(?:[^[\]]|\[[^\]]*\])*\])\(([^)\s]+)\)/g,
      (_, image: string, name: string, target: string) => {
        return image === '!' ? `!${name}(${imageOf(source, target)})` : `${name}${this.#linkTo(source, target)}`
      },
    )
    return linked.replaceAll(/^ *<!-- .* -->\n/gm, '')
  }

  /** `(address)`, with attributes where the target is none of VitePress's pages. */
  #linkTo(source: string, target: string): string {
    if (/^(https?:|mailto:|#)/.test(target)) return `(${target})`
    const [path = '', heading] = target.split('#')
    const file = normalize(join(dirname(source), path)).replace(/\/$/, '')
    const hash = heading === undefined ? '' : `#${heading}`
    const address = this.#addresses.get(file)
    if (address !== undefined) return `(${address}${hash})`
    const other = files.get(file)
    if (other !== undefined) return `(${other}){target="_self"}`
    if (!existsSync(join(root, file))) throw new Error(`${source}: ${target} leads nowhere`)
    const kind = statSync(join(root, file)).isDirectory() ? 'tree' : 'blob'
    return `(${repositoryUrl}/${kind}/main/${file}${hash})`
  }
}

/** Images are served from the folder of public files, under their path in docs/. */
function imageOf(source: string, target: string): string {
  if (/^https?:/.test(target)) return target
  return `/${normalize(join(dirname(source), target)).replace(/^docs\//, '')}`
}
