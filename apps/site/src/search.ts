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
    'quantized-and-fused': ['quantize', 'quantized', 'int8', 'quantization'],
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

/** The text of a page that search reads: without code of the reference and rows of tables of results, which make most of the index. */
export function searchedText(text: string, path: string): string {
  if (path.startsWith('api/')) return text.replaceAll(/^```[\s\S]*?^```$/gm, '')
  return path.startsWith('results/') ? text.replaceAll(/^\|.*\n/gm, '') : text
}
