import { methodGroups } from './methods/method-pages.ts'
import { addressOf, type Page } from './pages/page.ts'

/** A menu's entry as VitePress has it. */
interface Entry {
  readonly text: string
  readonly link?: string
  readonly items?: readonly Entry[]
  readonly collapsed?: boolean
}

/** Menus by the beginning of an address. */
export type Menus = Readonly<Record<string, readonly Entry[]>>

/** Documents of docs/ in the order of the guide. One that another branch still writes is left out, with a line, until it is there. */
const guide: readonly { readonly text: string; readonly documents: readonly string[] }[] = [
  { text: 'Start', documents: ['start', 'concepts'] },
  {
    text: 'Choose',
    documents: ['choose', 'eight-bits', 'packing', 'embeddings', 'rerankers', 'speech', 'decoders', 'images'],
  },
  { text: 'Measure', documents: ['measure', 'plans', 'train'] },
  {
    text: 'Ship',
    documents: ['javascript', 'folders', 'serving', 'deploy', 'bulk'],
  },
  { text: 'Extend', documents: ['plugins', 'design', 'deviations'] },
  { text: 'Models', documents: ['models', 'errors', 'coverage', 'models-and-data'] },
]

/** Documents that stand in menus of their own. */
const elsewhere: ReadonlySet<string> = new Set(['methods', 'packages', 'results', 'how-measured', 'findings'])

/** The common trait of a package's methods. */
const families: Readonly<Record<string, string>> = {
  '@tp/method-attention': 'By attention',
  '@tp/method-gradient': 'Learned by gradients',
  '@tp/method-hybrid': 'Merging',
  '@tp/method-rl': 'Learned by reinforcement',
  '@tp/core': 'Baselines',
}

/** Short names where a heading is too long for a menu. */
const shortNames: Readonly<Record<string, string>> = {
  start: 'Get started',
  choose: 'What to try first',
  measure: 'Speed and loss',
  models: 'Verdicts and refusals',
  'eight-bits': '8 bits',
  embeddings: 'Embeddings and search',
  rerankers: 'Rerankers and pairs',
  images: 'Images',
  packing: 'Batches without padding',
  javascript: 'JavaScript programs',
  deviations: 'Where methods differ',
  plugins: 'Write a method or a runtime',
  'models-and-data': 'Models and data',
}

/**
 * The menus of all pages.
 * @param onMissing told of documents that a menu names and that are not there
 * @throws Error for a document that no menu names
 */
export function menusOf(pages: readonly Page[], onMissing: (document: string) => void): Menus {
  const documents = new Map(
    pages.flatMap((page) => (page.source?.match(/^docs\/[^/]+$/) ? [[nameOf(page.source), page] as const] : [])),
  )
  const named = new Set([...elsewhere, ...guide.flatMap((group) => group.documents)])
  const lost = [...documents.keys()].filter((name) => !named.has(name))
  if (lost.length > 0) throw new Error(`docs/${lost[0]}.md is in no menu: name it in apps/site/src/navigation.ts`)
  const groups = guide.map(({ text, documents: names }) => ({
    text,
    items: names.flatMap((name) => {
      const page = documents.get(name)
      if (page === undefined) onMissing(name)
      return page === undefined ? [] : [{ text: shortNames[name] ?? page.title, link: addressOf(page) }]
    }),
  }))
  const below = (folder: string): Entry[] => {
    const own = pages.filter(({ path }) => path.startsWith(`${folder}/`) && path !== `${folder}/index.md`)
    return own.map((page) => ({ text: nameInMenu(page), link: addressOf(page) }))
  }
  return {
    '/methods/': [
      { text: 'All methods', link: '/methods/' },
      ...methodGroups.map(({ name, methods }) => ({
        text: families[name] ?? name,
        items: methods.map((method) => ({ text: method, link: `/methods/${method}` })),
      })),
    ],
    '/results/': [
      {
        text: 'Results',
        items: [
          { text: 'Overview', link: '/results/' },
          { text: 'How it was measured', link: '/how-measured' },
          { text: 'Findings', link: '/findings' },
        ],
      },
    ],
    '/packages/': [
      { text: 'Packages', items: [{ text: 'Install what you need', link: '/packages/' }, ...below('packages')] },
    ],
    '/api/': [{ text: 'API reference', items: [{ text: 'Entry points', link: '/api/' }, ...below('api')] }],
    '/': [
      ...groups,
      {
        text: 'More',
        items: [
          { text: 'Contributing', link: '/contributing' },
          { text: 'Changelog', link: '/changelog' },
        ],
      },
    ],
  }
}

function nameOf(source: string): string {
  return source.slice('docs/'.length, -'.md'.length)
}

/** Titles of results begin alike. */
function nameInMenu({ title }: Page): string {
  const name = title.replace(/^Measured: (the )?/, '')
  return name === title ? title : name.charAt(0).toUpperCase() + name.slice(1)
}
