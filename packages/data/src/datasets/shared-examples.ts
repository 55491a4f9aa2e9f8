import type { Dataset } from './dataset.ts'
import { contentOf } from './example-content.ts'

/**
 * How many examples of one data set are also in another one, compared by content. Labels
 * do not count.
 * @throws TpError TP_DATA for what cannot be read
 */
export async function sharedExamples(dataset: Dataset, other: Dataset): Promise<number> {
  const known = new Set<string>()
  for (const example of other.examples) known.add(await contentOf(example))
  let shared = 0
  for (const example of dataset.examples) if (known.has(await contentOf(example))) shared++
  return shared
}
