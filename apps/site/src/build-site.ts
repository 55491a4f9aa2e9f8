import { existsSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vitepress'
import { menusOf } from './navigation.ts'
import { allPages } from './pages/all-pages.ts'
import { writePages } from './pages/write-pages.ts'
import { root } from './repository.ts'

export interface SiteOptions {
  /** Path that the site is served below, with a slash at both ends. Default `/`. */
  readonly base?: string
  /** Folder to write to. Default `apps/site/dist/site`. */
  readonly out?: string
  /** Told what is left out. */
  readonly onNote?: (note: string) => void
}

const here = fileURLToPath(new URL('..', import.meta.url))

/**
 * Builds the site as static files: the pages by VitePress, which refuses dead links, and the demo as it was built.
 * @returns the folder that it is in
 */
export async function buildSite({
  base = '/',
  out = join(here, 'dist/site'),
  onNote = () => {},
}: SiteOptions = {}): Promise<string> {
  const pages = allPages()
  const menus = menusOf(pages, (name) => onNote(`docs/${name}.md is not there yet, so the menu leaves it out`))
  await writePages(join(here, 'pages'), pages, menus)
  await build(here, { base, outDir: out })
  const demo = join(root, 'apps/demo/dist/site')
  if (existsSync(demo)) await cp(demo, join(out, 'demo'), { recursive: true })
  else onNote('apps/demo is not built, so the site has no demo')
  return out
}
