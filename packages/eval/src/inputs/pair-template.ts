/** A pair of texts as token ids, with the number of the segment that each token belongs to (`token_type_ids`). */
export interface EncodedPair {
  readonly ids: number[]
  readonly segments: number[]
}

/** The special tokens that a tokenizer puts around and between two texts. */
export interface PairTemplate {
  /** Number of special tokens. */
  readonly size: number
  /** Those between the two texts. */
  readonly between: readonly number[]
  fill(first: readonly number[], second: readonly number[]): EncodedPair
}

/**
 * The template of a tokenizer, read from one encoded pair.
 * @param bare ids of a text without special tokens
 * @param pair the same text twice, as a pair with special tokens
 * @param segments of the pair; absent: all tokens are of segment 0
 * @returns undefined if the text is not found twice
 */
export function pairTemplateOf(
  bare: readonly number[],
  pair: readonly number[],
  segments: readonly number[] = [],
): PairTemplate | undefined {
  const find = (from: number): number =>
    pair.findIndex((_, i) => i >= from && bare.every((id, j) => pair[i + j] === id))
  const first = find(0)
  const second = first < 0 ? -1 : find(first + bare.length)
  if (bare.length === 0 || second < 0) return undefined
  const special = (from: number, to?: number): EncodedPair => {
    const ids = pair.slice(from, to)
    return { ids, segments: ids.map((_, i) => segments[from + i] ?? 0) }
  }
  const text = (ids: readonly number[], at: number): EncodedPair => ({
    ids: [...ids],
    segments: ids.map(() => segments[at] ?? 0),
  })
  const [before, between, after] = [
    special(0, first),
    special(first + bare.length, second),
    special(second + bare.length),
  ]
  return {
    size: pair.length - 2 * bare.length,
    between: between.ids,
    fill(one, other) {
      const parts = [before, text(one, first), between, text(other, second), after]
      return { ids: parts.flatMap(({ ids }) => ids), segments: parts.flatMap((part) => part.segments) }
    },
  }
}

/**
 * Two texts cut to `room` tokens together: the longer one first, until both are equally long. What Hugging Face's tokenizers
 * call `longest_first`, and do for `truncation=True`.
 */
export function cutToRoom(
  first: readonly number[],
  second: readonly number[],
  room: number,
): readonly [first: readonly number[], second: readonly number[]] {
  if (first.length + second.length <= room) return [first, second]
  const shorter = Math.min(first.length, second.length, Math.floor(room / 2))
  const longer = room - shorter
  return first.length <= second.length
    ? [first.slice(0, shorter), second.slice(0, longer)]
    : [first.slice(0, longer), second.slice(0, shorter)]
}
