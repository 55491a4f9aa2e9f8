import { methodPages } from '../methods/method-pages.ts'
import { referencePages } from '../reference/reference-pages.ts'
import { changelogPage } from './changelog.ts'
import { documentPages } from './documents.ts'
import { homePage } from './home.ts'
import { Links } from './links.ts'
import type { Page } from './page.ts'

/** Every page of the site, its links as the site has them. */
export function allPages(): Page[] {
  const documents = documentPages()
  const measured = documents.filter(({ source = '' }) => source.startsWith('docs/'))
  const overview = 'docs/results.md'
  const others = measured.filter(
    ({ source = '' }) => !['docs/methods.md', 'docs/models-and-data.md', overview].includes(source),
  )
  const results = [...measured.filter(({ source }) => source === overview), ...others]
  const pages = [...documents, ...methodPages(results), ...referencePages(), changelogPage()]
  const links = new Links(pages)
  return [homePage(), ...pages.map((page) => ({ ...page, text: withMethodLinks(page, links.inSite(page)) }))]
}

/** In the table of all methods each name leads to its page. */
function withMethodLinks({ path }: Page, text: string): string {
  return path === 'methods/index.md' ? text.replaceAll(/^\| `([\w-]+)` \|/gm, '| [`$1`](/methods/$1) |') : text
}
