import type { ModelFile } from '@tp/data'
import { asPooled as pooled } from '@tp/plans/files'

/** The option that needs a row for each token, if there is one. */
interface RowReaders {
  readonly restore?: string | undefined
  readonly task?: string | undefined
  readonly 'output-tokens'?: boolean | undefined
  readonly 'late-interaction'?: boolean | undefined
}

/** As `asPooled` of `@tp/plans/files`; the same file where rows of all tokens are requested. @throws TpError TP_DATA */
export async function asPooled(file: ModelFile, readers: RowReaders = {}): Promise<ModelFile> {
  const { restore = 'auto', task = 'embeddings' } = readers
  const readsRows = restore !== 'auto' || task !== 'embeddings'
  return readsRows || readers['output-tokens'] || readers['late-interaction'] ? file : await pooled(file)
}

/** The note on such a file. */
export const ONE_ROW: string =
  'the pooling of the model (tp inspect) reads one token alone, so its states are that row of each example ([batch, 1, features] of the class token, every row of a last one); --set restore=all keeps a row for each token'
