/** Two columns that hold a pair of texts under these names, the first one first. Any other two texts are ambiguous. */
const PAIR_NAMES: readonly (readonly [first: string, second: string])[] = [
  ['text', 'text_pair'],
  ['query', 'document'],
  ['query', 'passage'],
  ['query', 'text'],
  ['question', 'passage'],
  ['question', 'context'],
  ['question', 'answer'],
  ['premise', 'hypothesis'],
  ['question1', 'question2'],
  ['sentence1', 'sentence2'],
  ['sentence_1', 'sentence_2'],
  ['sentence_a', 'sentence_b'],
  ['text1', 'text2'],
  ['text_a', 'text_b'],
]

/** The columns of a pair of texts, by the names in a header (in lower case). */
export function pairNamed(header: readonly string[]): { readonly text: number; readonly pair: number } | undefined {
  return PAIR_NAMES.map(([first, second]) => ({ text: header.indexOf(first), pair: header.indexOf(second) })).find(
    ({ text, pair }) => text >= 0 && pair >= 0,
  )
}

/** Whether it is the name of a text of a pair. */
export function isPairName(name: string): boolean {
  return PAIR_NAMES.some((names) => names.includes(name))
}
