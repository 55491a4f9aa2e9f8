import { readClassToken, transform } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { type ModelFolder, readModelFolder } from '@tp/data'
import { classTokenOutput, statesOutput } from '@tp/data/outputs'
import { RefusalError } from './refusal-error.ts'

/** The option that needs a row for each token, if there is one. */
interface RowReaders {
  readonly restore?: string | undefined
  readonly task?: string | undefined
  readonly 'output-tokens'?: boolean | undefined
  readonly 'late-interaction'?: boolean | undefined
}

/**
 * A file as it is read: where its vectors are pooled outside by the class token (1_Pooling/config.json), its states have that row alone.
 * The same file where they are not, or where rows of all tokens are requested.
 * @throws TpError TP_DATA for a file next to it that is invalid JSON
 */
export async function asPooled(file: ModelFile, readers: RowReaders = {}): Promise<ModelFile> {
  const { restore = 'auto', task = 'embeddings' } = readers
  if (restore !== 'auto' || task !== 'embeddings' || readers['output-tokens'] || readers['late-interaction'])
    return file
  const folder = await folderOfStates(file)
  const output = folder && classTokenOutput(file.model, folder)
  return output === undefined ? file : { ...file, model: transform(file.model, readClassToken({ output })).model }
}

/** How vectors are made of the states that a file returns, where the files next to it say so. @throws TpError TP_DATA */
export async function pooledOutside(file: ModelFile): Promise<ModelFolder['pooling']> {
  return (await folderOfStates(file))?.pooling
}

/**
 * For what prunes tokens.
 * @throws RefusalError TP_POOLING where the last token is read of states that are pooled outside: it is at another position in every text,
 * and may be pruned
 */
export async function requireKeptRows(file: ModelFile): Promise<void> {
  const pooling = await pooledOutside(file)
  if (pooling?.of !== 'last token') return
  const seen = '1_Pooling/config.json reads the last token of its states, which may be pruned'
  const advice = 'export the model with its pooling inside (sentence_embedding); tp prune --lossless does what is exact'
  throw new RefusalError(file.path, { code: 'TP_POOLING', message: `${seen}; ${advice}` })
}

/** Of other models the folder is not read: it need not be right. */
async function folderOfStates({ path, model }: ModelFile): Promise<ModelFolder | undefined> {
  if (statesOutput(model) === undefined) return undefined
  const folder = await readModelFolder(path)
  return statesOutput(model, folder.labels) === undefined ? undefined : folder
}

/** The note on such a file. */
export const ONE_ROW: string =
  '1_Pooling/config.json next to the model reads the class token alone, so its states are one row of each example, [batch, 1, features]; ' +
  '--set restore=all keeps a row for each token'
