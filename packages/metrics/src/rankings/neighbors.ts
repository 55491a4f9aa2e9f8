/** Vectors of length 1, one for each example. */
export type Vectors = readonly Float64Array[]

/** Cosine of a vector with each of the others of an index. */
export function similarities(index: Vectors, query: Float64Array): Float64Array {
  return Float64Array.from(index, (vector) => dot(vector, query))
}

/**
 * MaxSim of ColBERT (Khattab and Zaharia, arXiv:2004.12832): over the tokens of a query, the sum of the largest cosine with a token of the
 * document.
 * @param index and query: vectors of tokens, `width` numbers each, one after another
 */
export function maxSimilarities(index: Vectors, query: Float64Array, width: number): Float64Array {
  return Float64Array.from(index, (document) => {
    let sum = 0
    for (let token = 0; token < query.length; token += width) {
      let most = Number.NEGATIVE_INFINITY
      for (let other = 0; other < document.length; other += width) {
        let similarity = 0
        for (let i = 0; i < width; i++) similarity += (query[token + i] as number) * (document[other + i] as number)
        if (similarity > most) most = similarity
      }
      sum += most
    }
    return sum
  })
}

/** As many as a call surely takes. */
const ARGUMENTS = 2 ** 15

/** The length of a vector, of any number of elements: scores of words are as many as a vocabulary has. */
export function lengthOf(vector: Float64Array): number {
  const parts = Array.from({ length: Math.ceil(vector.length / ARGUMENTS) }, (_, part) =>
    Math.hypot(...vector.subarray(part * ARGUMENTS, (part + 1) * ARGUMENTS)),
  )
  return Math.hypot(...parts)
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}

/** Positions of the `count` most similar, the most similar first, without the query itself; equals in their order. */
export function nearest(similarity: Float64Array, count: number, query: number): number[] {
  const best: number[] = []
  for (let row = 0; row < similarity.length; row++) {
    const value = similarity[row] as number
    const last = best.at(-1)
    if (row === query || (best.length === count && value <= (similarity[last as number] as number))) continue
    if (best.length === count) best.pop()
    const position = best.findIndex((other) => (similarity[other] as number) < value)
    best.splice(position < 0 ? best.length : position, 0, row)
  }
  return best
}
