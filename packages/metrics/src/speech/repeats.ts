/** Anything that comes twice has less, and three times as much. In 912 texts of speech 1.43 was the most. */
const MOST = 2
/** People repeat fewer: "no, no, no". */
const LEAST = 10

/**
 * Whether tokens end in a repetition, so that a decoder that goes on from there is in a loop: the last 10, 20, 40 … of them, or all, are at least
 * twice as many as the parts that they are made of. A part is a token that is new, or the longest run that occurred before (Lempel and Ziv, 1977; deflate
 * does the same with bytes, where Whisper's own program takes 2.4: Radford et al., 2022, section 4.5).
 * Knows after 10 tokens that "da walsu da walsu da walsu" is one, and also finds loops in which some tokens change.
 * @param tokens a text so far, without its prompt
 */
export function repeats(tokens: readonly (number | bigint)[]): boolean {
  for (let length = LEAST; length <= tokens.length; length = Math.min(2 * length, tokens.length)) {
    if (length >= MOST * partsOf(tokens.slice(-length))) return true
    if (length === tokens.length) break
  }
  return false
}

/** As many parts as Lempel and Ziv's code has; a run may reach into itself. */
function partsOf(tokens: readonly (number | bigint)[]): number {
  let parts = 0
  for (let start = 0; start < tokens.length; parts++) {
    let longest = 1
    for (let before = 0; before < start; before++) {
      let run = 0
      while (start + run < tokens.length && tokens[before + run] === tokens[start + run]) run++
      longest = Math.max(longest, run)
    }
    start += longest
  }
  return parts
}
