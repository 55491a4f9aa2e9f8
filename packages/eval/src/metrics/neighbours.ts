/** Vectors of length 1, one for each example. */
export type Vectors = readonly Float64Array[]

/** Cosine of a vector with each of the others of an index. */
export function similarities(index: Vectors, query: Float64Array): Float64Array {
  return Float64Array.from(index, (vector) => dot(vector, query))
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}

/** Positions of the `count` most similar, the most similar first, without the query itself; equals in their order. */
export function nearest(similarity: Float64Array, count: number, query: number): number[] {
  return [...similarity.keys()]
    .filter((row) => row !== query)
    .sort((a, b) => (similarity[b] as number) - (similarity[a] as number) || a - b)
    .slice(0, count)
}
