const K1 = 1.2
const B = 0.75

/** Numbers of the documents that a query's words find, best first, by BM25 (Robertson and Walker, 1994) with k₁ = 1.2 and b = 0.75. */
export function bm25(documents: readonly string[]): (query: string, top: number) => number[] {
  const lengths: number[] = []
  /** By word: how often each document has it. */
  const postings = new Map<string, Map<number, number>>()
  for (const [id, text] of documents.entries()) {
    const words = wordsOf(text)
    lengths.push(words.length)
    for (const word of words) {
      const own = postings.get(word) ?? new Map<number, number>()
      postings.set(word, own.set(id, (own.get(id) ?? 0) + 1))
    }
  }
  const mean = lengths.reduce((sum, length) => sum + length, 0) / documents.length
  return (query, top) => {
    const scores = new Map<number, number>()
    for (const word of wordsOf(query)) {
      const own = postings.get(word)
      if (own === undefined) continue
      const idf = Math.log(1 + (documents.length - own.size + 0.5) / (own.size + 0.5))
      for (const [id, count] of own) {
        const norm = count + K1 * (1 - B + (B * (lengths[id] as number)) / mean)
        scores.set(id, (scores.get(id) ?? 0) + (idf * count * (K1 + 1)) / norm)
      }
    }
    const order = [...scores].sort(([i, a], [j, b]) => b - a || i - j)
    return order.slice(0, top).map(([id]) => id)
  }
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
}
