/** A page of the site, as VitePress reads it. */
export interface Page {
  /** Below the folder of pages, with its ending: `methods/tome.md`. */
  readonly path: string
  /** For menus. */
  readonly title: string
  readonly text: string
  /** The file of the repository that it is, whose links are relative to it; undefined: it is generated, with links as the site has them. */
  readonly source?: string
}

/** The address of a page below the site's base: `/methods/tome`, `/methods/`. */
export function addressOf({ path }: Pick<Page, 'path'>): string {
  return `/${path.replace(/\.md$/, '').replace(/(^|\/)index$/, '$1')}`
}

/** The text of the first heading. */
export function titleOf(text: string): string | undefined {
  return /^# (.+)$/m.exec(text)?.[1]?.replaceAll('`', '')
}
