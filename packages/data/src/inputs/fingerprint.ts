import type { SearchData } from '../datasets/retrieval/search-data.ts'
import type { ScoredPairs } from '../datasets/scored-pairs.ts'
import type { ModelInputs } from './model-inputs.ts'
import type { TaggedInputs } from './tagged-inputs.ts'

/** Sentences have tags, recordings have transcripts. */
type AnyInputs = ModelInputs & Partial<Pick<TaggedInputs, 'tags'>> & { readonly texts?: readonly string[] }

/**
 * Examples, and all that people have judged of them, as a short text, to know them again.
 * @param judged judgments of texts to embed
 */
export async function fingerprint(inputs: ModelInputs, judged?: SearchData | ScoredPairs): Promise<string> {
  const { targets, lengths, keys, ranking, estimates, tags, texts }: AnyInputs = inputs
  const ofTokens = tags?.map((own) => [...own])
  const ofTexts = judged && ('queryCount' in judged ? [judged.queryCount, judged.relevant] : judged.scores)
  const all = [targets, lengths, keys, ranking, estimates, ofTokens, texts, ofTexts]
  const bytes = new TextEncoder().encode(JSON.stringify(all))
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(hash.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
