import { checkAmount } from '../amount.ts'
import type { TextShift } from '../shift.ts'
import { mapWords } from './words.ts'

/** Shorter words become others too easily. */
const LEAST_LETTERS = 4

/**
 * Misspells words with one typo each: a letter is swapped with the next, dropped, doubled, or replaced by a neighboring key.
 * Words of fewer than four letters and first letters are not changed, so that people can still read the text (Pruthi et
 * al., ACL 2019, arXiv:1905.11268; the slips are those of Belinkov and Bisk, ICLR 2018, arXiv:1711.02173).
 * A higher rate adds typos to those of a lower one.
 * @param rate share of misspelled words, 0…1
 * @throws TpError TP_OPTION
 */
export function typos(rate: number): TextShift {
  checkAmount('typos', 'the share of words', rate, 0, 1)
  return {
    modality: 'text',
    name: `typos ${rate}`,
    apply: (text, random) =>
      mapWords(text, (word) => {
        const letters = [...word]
        // Drawn for every word, so that the next ones do not depend on whether this one is hit.
        const [hit, position, kind, key] = [random(), random(), random(), random()]
        if (hit >= rate || letters.length < LEAST_LETTERS) return word
        const at = 1 + Math.floor(position * (letters.length - 1))
        return misspelt(letters, at, slips[Math.floor(kind * slips.length)] as Slip, key)
      }),
  }
}

/** The replacement of a letter and the next one; undefined if the typo is impossible. */
type Slip = (letter: string, next: string | undefined, key: number) => string | undefined

const slips: readonly Slip[] = [
  (letter, next) => (next === undefined || next === letter ? undefined : next + letter),
  (_letter, next = '') => next,
  (letter, next = '') => letter + letter + next,
  (letter, next = '', key) => {
    const neighbors = NEIGHBORS[letter.toLowerCase()]
    if (neighbors === undefined) return undefined
    const hit = neighbors[Math.floor(key * neighbors.length)] as string
    return (letter === letter.toLowerCase() ? hit : hit.toUpperCase()) + next
  },
]

/** A slip that cannot be made drops the letter. */
function misspelt(letters: readonly string[], at: number, slip: Slip, key: number): string {
  const [letter, next] = [letters[at] as string, letters[at + 1]]
  const written = slip(letter, next, key) ?? next ?? ''
  return [...letters.slice(0, at), written, ...letters.slice(at + 2)].join('')
}

/** Letters whose keys touch a letter's own on a QWERTY keyboard. */
const NEIGHBORS: Readonly<Record<string, string>> = {
  ...{ q: 'wa', w: 'qeas', e: 'wrsd', r: 'etdf', t: 'ryfg', y: 'tugh', u: 'yihj', i: 'uojk', o: 'ipkl', p: 'ol' },
  ...{ a: 'qwsz', s: 'weadzx', d: 'ersfxc', f: 'rtdgcv', g: 'tyfhvb', h: 'yugjbn', j: 'uihknm', k: 'iojlm', l: 'opk' },
  ...{ z: 'asx', x: 'sdzc', c: 'dfxv', v: 'fgcb', b: 'ghvn', n: 'hjbm', m: 'jkn' },
}
