import { embed, evenlySpread } from '@tp/compare'
import type { AbortSignalLike, Session } from '@tp/core/runtime'
import { type ModelInputs, sampleExamples, someExamples } from '@tp/data/inputs'
import { rowsOfPairs } from './pair-losses.ts'
import { sampleSearch } from './search-losses.ts'

/** At least as many as tuning uses: more would be run for nothing. */
const MOST_EXAMPLES = 2500

interface EmbedOptions {
  readonly signal?: AbortSignalLike
  onProgress?(at: { readonly done: number; readonly total: number }): void
}

/** Texts, as many as tuning uses, with the dense model's own vectors of them: what a model that gives vectors is tuned by. */
export async function withVectors(
  dense: Session,
  inputs: ModelInputs,
  { signal, onProgress }: EmbedOptions = {},
): Promise<ModelInputs> {
  const texts = sampleTexts(inputs, MOST_EXAMPLES)
  const options = { batchSize: 16, ...(signal && { signal }), ...(onProgress && { onProgress }) }
  const { vectors } = await embed(dense, texts, options)
  return { ...texts, vectors }
}

/** At most so many of the texts; of texts in pairs both of each, of queries what is relevant to them. */
export function sampleTexts(inputs: ModelInputs, most: number): ModelInputs {
  const { pairs, search, targets } = inputs
  if (search !== undefined) return sampleSearch(inputs, search, most)
  if (pairs === undefined || targets.length <= most) return sampleExamples(inputs, most)
  return someExamples(inputs, evenlySpread(rowsOfPairs(pairs), Math.floor(most / 2)).flat())
}
