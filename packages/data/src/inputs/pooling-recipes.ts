type RecipePooling = 'mean' | 'class token' | 'last token'

/** A model that is known to be pooled in one way. */
interface PoolingRecipe {
  readonly of: RecipePooling
  /** The name that it is known by. */
  readonly name: string
}

/**
 * How well-known families were trained to be pooled, by their published 1_Pooling/config.json and model cards. Small families with
 * both ways (`bge-micro`, `gte-*-zh`) are left out: an assumption that is reported is better than a wrong recipe.
 */
const families: readonly (readonly [of: RecipePooling, names: readonly string[]])[] = [
  [
    'last token',
    ['qwen3-embedding', 'gte-qwen', 'e5-mistral', 'bge-(?:multilingual-gemma2|en-icl)', 'sfr-embedding', 'linq-embed'],
  ],
  [
    'class token',
    [
      ...['bge-(?:small|base|large|m3)', 'arctic-embed', 'mxbai-embed-(?:2d-)?large', 'granite-embedding'],
      ...['gte-(?:base|large)-en-v1', 'gte-(?:multilingual|modernbert)-base', 'multi-qa-mpnet-base-dot'],
    ],
  ],
  [
    'mean',
    [
      ...['gte-(?:small|base|large)(?!-(?:en|zh))', 'e5-(?:small|base|large)', 'nomic-embed-text', 'modernbert-embed'],
      ...['jina-embeddings-v[23]', 'mxbai-embed-xsmall', 'contriever', 'multi-qa-[a-z0-9-]+-cos'],
      '(?:all|paraphrase)-(?:[a-z]+-)?(?:minilm|mpnet|distilroberta|roberta|albert)',
    ],
  ],
]

/** Architectures that embedders of one way alone have; a decoder sees the whole text in its last token only. */
const architectures: typeof families = [
  ['last token', ['(?:qwen2|qwen3|mistral)(?:model|forcausallm)$']],
  ['class token', ['newmodel$']],
]

/** The recipe of the first name that has one: names of a model, the surest first, then of its architectures. */
export function poolingRecipe(names: readonly string[], classes: readonly string[]): PoolingRecipe | undefined {
  return recipeIn(families, names.map(lastPart)) ?? recipeIn(architectures, classes)
}

function recipeIn(known: typeof families, names: readonly string[]): PoolingRecipe | undefined {
  for (const name of names) {
    for (const [of, patterns] of known) {
      const pattern = new RegExp(`(?<![a-z0-9])(?:${patterns.join('|')})(?![a-z])`)
      if (pattern.test(name.toLowerCase().replaceAll('_', '-'))) return { of, name }
    }
  }
  return undefined
}

/** `bge-small-en` of a path to it, and `models--BAAI--bge-small-en` of a snapshot in the Hub's cache. */
function lastPart(name: string): string {
  const parts = name.split(/[/\\]/).filter((part) => part !== '')
  return (parts.at(-2) === 'snapshots' ? parts.at(-3) : parts.at(-1)) ?? ''
}
