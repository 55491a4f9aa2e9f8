import { markdownTable } from './markdown-table.mjs'

/** @typedef {{ inputs: readonly string[], answers: readonly string[], length?: 'fixed', layers?: readonly string[], evidence: string }} Recipe */

/** The kinds of model that recipes are for, in the order of the table, in the words of a reader. */
const kinds = [
  { inputs: 'texts', answers: 'classes', name: 'classifiers of texts' },
  { inputs: 'texts', answers: 'scores', name: 'rerankers, and other scores of pairs' },
  { inputs: 'texts', answers: 'vectors', name: 'sentence embedders' },
  { inputs: 'texts', answers: 'tags', name: 'taggers, spans' },
  { inputs: 'images', answers: 'classes', name: 'classifiers of images' },
  { inputs: 'recordings', answers: 'classes', name: 'classifiers of sounds' },
  { inputs: 'recordings', answers: 'words', name: 'encoders of speech' },
  { length: 'fixed', name: 'any of these with a mask, exported for one length: before all others' },
]

/** @type {Readonly<Record<string, string>>} */
const layerTexts = {
  every: 'every layer',
  'but-first': 'all but the first',
  thirds: 'one at a third, one at two thirds',
  middle: 'the middle one',
  first: 'the first',
  second: 'the second',
  'second-half': 'the second half',
}

/**
 * The recipes of all methods by kind of model: `tp optimize` tries them besides 8 bits, packing and fewer layers.
 * @param {readonly { methods: readonly { name: string, recipes?: readonly Recipe[] }[] }[]} packages
 */
export function recipesTable(packages) {
  const methods = packages.flatMap(({ methods }) => methods)
  const rows = kinds.map(({ inputs, answers, length, name }) => {
    const tried = methods.flatMap(({ name: method, recipes = [] }) =>
      recipes
        .filter(
          (recipe) =>
            recipe.length === length &&
            (length !== undefined ||
              (recipe.inputs.some((own) => own === inputs) && recipe.answers.some((own) => own === answers))),
        )
        .map(({ layers = [], evidence }) => ({
          text: `\`${method}\`${layers.length === 0 ? '' : ` (${layers.map((way) => layerTexts[way]).join('; ')})`}`,
          evidence,
        })),
    )
    const pages = [...new Set(tried.map(({ evidence }) => evidence))].map(evidenceLink)
    return [name, tried.length === 0 ? 'no pruning' : tried.map(({ text }) => text).join(', '), pages.join(', ')]
  })
  return markdownTable(['model', 'methods, and the layers where they are tried', 'evidence'], rows)
}

/** A link from a page in docs/, for `docs/rerankers.md: the table of layers`. @param {string} evidence */
function evidenceLink(evidence) {
  const [path = '', what] = evidence.split(': ')
  const page = path.replace(/^docs\//, '')
  return `[${what ?? page.replace(/^results\//, '').replace(/\.\w+$/, '')}](${page})`
}
