import { checkAmount } from '../amount.ts'
import type { TextShift } from '../shift.ts'
import { mapWords } from './words.ts'

export type LetterCase = 'upper' | 'lower' | 'title' | 'random'

/**
 * Writes words in another case; `title` has a capital at the beginning of a word only, `random` anywhere. An uncased
 * tokenizer (`lowercase` in its tokenizer.json) makes the same tokens of it, so that nothing changes: a set of
 * {@link shiftedSets} then says `sameInputs`.
 * @param share of the words that are changed, 0…1
 * @throws TpError TP_OPTION
 */
export function letterCase(to: LetterCase, share = 1): TextShift {
  checkAmount(`${to}-case`, 'the share of words', share, 0, 1)
  return {
    modality: 'text',
    name: `${to}-case${share === 1 ? '' : ` ${share}`}`,
    apply: (text, random) => mapWords(text, (word) => (random() < share ? writings[to](word, random) : word)),
  }
}

const writings: Readonly<Record<LetterCase, (word: string, random: () => number) => string>> = {
  upper: (word) => word.toUpperCase(),
  lower: (word) => word.toLowerCase(),
  title: (word) => {
    const [first = '', ...rest] = word
    return first.toUpperCase() + rest.join('').toLowerCase()
  },
  random: (word, random) =>
    [...word].map((letter) => (random() < 0.5 ? letter.toUpperCase() : letter.toLowerCase())).join(''),
}
