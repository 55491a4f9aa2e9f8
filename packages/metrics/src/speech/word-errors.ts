import { englishWords } from './english/english-words.ts'
import { withoutBrackets } from './without-brackets.ts'

/** Languages whose script does not part words, of which Whisper's evaluation counts characters. */
const UNPARTED = new Set(['zh', 'yue', 'ja', 'th', 'lo', 'my'])

/**
 * A text as its words, by which transcripts are compared as Whisper's evaluation does: of English by `englishWords`, of other languages by the
 * basic normalizer, in lower case and without marks and what stands in brackets; of languages that do not part words, each character is one.
 * @param language a code of Whisper's, such as de
 */
export function wordsOf(text: string, language = 'en'): string[] {
  if (language === 'en') return englishWords(text)
  const plain = withoutBrackets(text.toLowerCase())
    .normalize('NFKC')
    .replaceAll(/[\p{M}\p{S}\p{P}]/gu, ' ')
    .toLowerCase()
  const words = UNPARTED.has(language)
    ? [...new Intl.Segmenter(language).segment(plain)].map(({ segment }) => segment)
    : plain.split(/\s+/)
  return words.filter((word) => word.trim() !== '')
}

/** The fewest words to insert, remove and exchange that make one list of the other (Levenshtein). */
export function wordErrors(said: readonly string[], written: readonly string[]): number {
  return errorsOfBeginnings(said, written).at(-1) as number
}

/** The same against each beginning of the spoken words: none of them, the first one, …, all. */
export function errorsOfBeginnings(said: readonly string[], written: readonly string[]): number[] {
  let before = Array.from({ length: written.length + 1 }, (_, i) => i)
  const errors = [written.length]
  for (const word of said) {
    const now = [(before[0] as number) + 1]
    for (const [j, other] of written.entries()) {
      const exchanged = (before[j] as number) + (word === other ? 0 : 1)
      now.push(Math.min(exchanged, (before[j + 1] as number) + 1, (now[j] as number) + 1))
    }
    before = now
    errors.push(now.at(-1) as number)
  }
  return errors
}
