import { embed } from '@tp/compare'
import type { AbortSignalLike, Session } from '@tp/core/runtime'
import { type ModelInputs, sampleExamples } from '@tp/data/inputs'

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
  const texts = sampleExamples(inputs, MOST_EXAMPLES)
  const options = { batchSize: 16, ...(signal && { signal }), ...(onProgress && { onProgress }) }
  const { vectors } = await embed(dense, texts, options)
  return { ...texts, vectors }
}
