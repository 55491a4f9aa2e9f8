/** The arrangement of an image's patches among its tokens. */
export interface PatchGrid {
  /** Tokens before them: the class token, registers. */
  readonly before: number
  readonly rows: number
  readonly columns: number
}

/** No model has more tokens than this before an image's patches. */
const MOST_BEFORE = 8

/**
 * The grid in the proportions of the image whose patches are all tokens except the fewest before them.
 * @param dims of the input: [batch, channels, height, width]; anything else has no grid
 */
export function patchGrid([, , height, width]: readonly number[], tokens: number): PatchGrid | undefined {
  if (height === undefined || width === undefined) return undefined
  const divisor = commonDivisor(height, width)
  const [down, across] = [height / divisor, width / divisor]
  for (let before = 0; before <= MOST_BEFORE && before < tokens; before++) {
    const scale = Math.sqrt((tokens - before) / (down * across))
    if (Number.isInteger(scale)) return { before, rows: down * scale, columns: across * scale }
  }
  return undefined
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b)
}
