/**
 * A text as its words, by which transcripts are compared: in lower case, without marks but apostrophes inside of words, and without what stands in
 * brackets, as Whisper's basic normalizer has it. Where a script does not part words (Chinese, Japanese, Thai, Lao, Khmer, Burmese), each character is one, as in
 * the evaluation of Whisper: errors of words are then errors of characters.
 */
export function wordsOf(text: string): string[] {
  return text
    .replaceAll(/[<[][^>\]]*[>\]]|\([^)]+?\)/g, ' ')
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[’‘`]/g, "'")
    .replaceAll(/[^\p{L}\p{M}\p{N}' ]+/gu, ' ')
    .split(/\s+/)
    .map((word) => word.replaceAll(/^'+|'+$/g, ''))
    .flatMap((word) => word.match(unparted) ?? [])
}

/** A character of a script without spaces, with its marks; or a run of all others. */
const unparted =
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]\p{M}*|[^\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]+/gu

/** The fewest words to insert, remove and exchange that make one list of the other (Levenshtein). */
export function wordErrors(said: readonly string[], written: readonly string[]): number {
  let before = Array.from({ length: written.length + 1 }, (_, i) => i)
  for (const [i, word] of said.entries()) {
    const now = [i + 1]
    for (const [j, other] of written.entries()) {
      const exchanged = (before[j] as number) + (word === other ? 0 : 1)
      now.push(Math.min(exchanged, (before[j + 1] as number) + 1, (now[j] as number) + 1))
    }
    before = now
  }
  return before.at(-1) as number
}
