import { someRanked } from '../datasets/ranking.ts'
import type { ModelInputs } from './model-inputs.ts'

/** Some of the examples, by their positions, in that order; of sentences with their tags. */
export function someExamples<Inputs extends ModelInputs>(inputs: Inputs, rows: readonly number[]): Inputs {
  const of = <T>(all: readonly T[]): T[] => rows.map((row) => all[row] as T)
  const { targets, lengths, preparationMs, keys, contents, ranking, estimates, pairs, search, vectors, feeds } = inputs
  return {
    ...inputs,
    targets: of(targets),
    lengths: lengths && of(lengths),
    preparationMs: preparationMs && of(preparationMs),
    keys: keys ? of(keys) : rows,
    contents: contents && (async () => of(await contents())),
    ranking: ranking && someRanked(ranking, rows),
    estimates: estimates && { scores: estimates.scores && of(estimates.scores) },
    pairs: pairs && { of: of(pairs.of), scores: of(pairs.scores) },
    search: search && { ...search, of: of(search.of) },
    vectors: vectors && of(vectors),
    ...('tags' in inputs && { tags: of((inputs as ModelInputs & { readonly tags: readonly Int32Array[] }).tags) }),
    feeds: (some: readonly number[]) => feeds(some.map((i) => rows[i] as number)),
  }
}
