import { errorsOfBeginnings } from '@tp/metrics'

/**
 * Divides the words of a recording among its clips so that all texts together have the fewest errors.
 * @param texts of each clip, the words that each model has written
 * @returns of each clip, its spoken words
 */
export function divideWords(said: readonly string[], texts: readonly (readonly (readonly string[])[])[]): string[][] {
  const count = said.length + 1
  // fewest[end]: errors of the clips so far if they have the words before `end`.
  let fewest = Array.from({ length: count }, (_, end) => (end === 0 ? 0 : Number.POSITIVE_INFINITY))
  const starts = texts.map((written) => {
    const next = new Array<number>(count).fill(Number.POSITIVE_INFINITY)
    const from = new Array<number>(count).fill(0)
    for (const [start, errors] of fewest.entries()) {
      if (!Number.isFinite(errors)) continue
      const rest = said.slice(start)
      const own = written.map((words) => errorsOfBeginnings(rest, words))
      for (let length = 0; length <= rest.length; length++) {
        const all = own.reduce((sum, of) => sum + (of[length] as number), errors)
        if (all >= (next[start + length] as number)) continue
        next[start + length] = all
        from[start + length] = start
      }
    }
    fewest = next
    return from
  })
  let end = said.length
  return starts
    .toReversed()
    .map((from) => {
      const start = from[end] as number
      const words = said.slice(start, end)
      end = start
      return words
    })
    .toReversed()
}
