import type { Layer } from './layer.ts'

/** Where in a layer tokens are pruned: after its attention, or at its input. */
export type SiteName = 'attention' | 'input'

/** The layers of an encoder, and what a layer after the last one reads. */
interface Layers {
  readonly layers: readonly Layer[]
  readonly end: string | undefined
}

interface SiteKind {
  /** The stream [b,n,D] whose tokens are pruned at layer `index`; undefined if there is none. */
  stream(layers: Layers, index: number): string | undefined
  /** The first layer whose keys are the tokens that are kept at layer `index`. */
  firstKeys(index: number): number
}

/** Every kind of site. The input of a method there, and the readers of the kept tokens, are in `prune/site-source.ts`. */
export const sites: Readonly<Record<SiteName, SiteKind>> = {
  attention: { stream: ({ layers }, index) => layers[index]?.site, firstKeys: (index) => index + 1 },
  input: {
    stream: ({ layers, end }, index) => (index === layers.length ? end : layers[index]?.input),
    firstKeys: (index) => index,
  },
}
