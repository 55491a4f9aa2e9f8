/**
 * Weight of a section in the search for a word. It runs in the page, as the text of this function alone.
 * @param id address of the section, with its heading: `/below/api/core#softmax`
 * @param term a whole word, in lower case, that the section has
 */
export function weightOf(id: string, term: string): number {
  // Pages that answer a word best, where it is frequent elsewhere.
  const answers: Readonly<Record<string, readonly string[]>> = {
    choose: ['gpu', 'gpus', 'cuda'],
    web: ['webgpu'],
    concepts: ['keep', 'schedule', 'budget', 'site'],
    folders: ['python', 'optimum', 'fastembed'],
    'eight-bits': ['quantize', 'quantized', 'int8', 'quantization'],
    start: ['install'],
    errors: ['error', 'errors'],
    javascript: ['fastify', 'electron', 'edge'],
    speech: ['whisper'],
  }
  const [address = ''] = id.split('#')
  const name = (address.split('/').at(-1) ?? '').replace(/\.html$/, '')
  if (answers[name]?.includes(term) && !/\/(api|packages|results)\//.test(address)) return 12
  if (/\/api\//.test(address)) return 0.15
  return /\/(packages|results|changelog|contributing)\b/.test(address) ? 0.4 : 1
}

/**
 * The text of a page that search reads. The index is one file that is loaded when the search opens, so it holds what leads to a page: of the
 * reference the names and their first sentences, of results and methods no rows of tables, no examples.
 */
export function searchedText(text: string, path: string): string {
  if (path.startsWith('api/')) return firstSentences(text.replaceAll(/^```[\s\S]*?^```$/gm, ''))
  if (!/^(results|methods)\//.test(path) || path === 'methods/index.md') return text
  return text.replaceAll(/^\|.*\n/gm, '').replaceAll(/^<figure.*\n/gm, '')
}

/** Headings, and the first sentence below each. */
function firstSentences(text: string): string {
  return text.replaceAll(/^(#+ .*)\n([^#]*)/gm, (_, heading: string, below: string) => {
    const [first = ''] = /^[^\s-][^\n]*?(?:\.(?=\s|$)|$)/m.exec(below) ?? []
    return `${heading}\n\n${first}\n\n`
  })
}
