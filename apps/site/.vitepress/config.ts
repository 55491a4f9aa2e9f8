import { readFileSync } from 'node:fs'
import { type DefaultTheme, defineConfig } from 'vitepress'
import type { SiteFacts } from '../src/pages/write-pages.ts'
import { searchedText, weightOf } from '../src/search.ts'

const { menus, repositoryUrl } = JSON.parse(
  readFileSync(new URL('../pages/site.json', import.meta.url), 'utf8'),
) as SiteFacts

/** An empty cell of a table's first row heads nothing, so it is a cell like others. */
function emptyHeadings({ tokens }: { tokens: { type: string; tag: string; content: string }[] }): void {
  for (const [i, token] of tokens.entries()) {
    const [text, end] = [tokens[i + 1], tokens[i + 2]]
    if (token.type !== 'th_open' || text?.content !== '' || end === undefined) continue
    token.tag = 'td'
    end.tag = 'td'
  }
}

export default defineConfig({
  title: '@tp',
  description:
    'Token pruning for transformers that are exported to ONNX: faster in Node, in browsers, anywhere ONNX runs.',
  lang: 'en',
  srcDir: 'pages',
  cacheDir: 'dist/cache',
  cleanUrls: true,
  ignoreDeadLinks: false,
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config: (markdown) => markdown.core.ruler.push('empty-headings', emptyHeadings),
  },
  transformHead: ({ siteData }) => [['link', { rel: 'icon', type: 'image/svg+xml', href: `${siteData.base}icon.svg` }]],
  transformHtml: (html, _, { pageData }) =>
    pageData.frontmatter.layout === 'home' ? html.replace('id="VPContent"', 'id="VPContent" role="main"') : html,
  themeConfig: {
    logo: '/icon.svg',
    nav: [
      { text: 'Guide', link: '/start', activeMatch: '^/(start|choose|measure|ship|plugins|concepts)' },
      { text: 'Methods', link: '/methods/', activeMatch: '^/methods/' },
      { text: 'Models', link: '/models' },
      { text: 'Results', link: '/results/', activeMatch: '^/results/' },
      { text: 'API', link: '/api/', activeMatch: '^/api/' },
      { text: 'Packages', link: '/packages/', activeMatch: '^/packages/' },
      { text: 'Demo', link: '/demo/', target: '_self' },
    ],
    sidebar: menus as unknown as DefaultTheme.SidebarMulti,
    outline: { level: 2 },
    search: {
      provider: 'local',
      options: {
        // Excerpts, which are read from the pages that are found.
        detailedView: true,
        miniSearch: {
          searchOptions: {
            boost: { title: 8, titles: 2, text: 1 },
            boostDocument: weightOf,
            // Short words are names: GPU is not CPU.
            fuzzy: (term) => (term.length > 4 ? 0.2 : false),
          },
        },
        _render: (text, env, markdown) =>
          env.frontmatter?.search === false ? '' : markdown.render(searchedText(text, env.relativePath), env),
      },
    },
    socialLinks: [{ icon: 'github', link: repositoryUrl }],
    editLink: {
      // It is turned into text for the page, so it may read nothing from here.
      pattern: ({ frontmatter }) => `https://github.com/tp-pruning/tp/edit/main/${frontmatter.source}`,
      text: 'Edit this page',
    },
    notFound: {
      quote: 'This page has moved, or never existed. Press / to search the documentation.',
      linkText: 'Home',
    },
    footer: { message: 'Apache-2.0' },
  },
})
