import { givesVectors } from '@tp/compare'
import { inspect, Refused } from '@tp/compiler'
import type { Runtime } from '@tp/core/runtime'
import { type ModelFile, type ModelFolder, poolingSource, readModelFolder } from '@tp/data'
import { loadFile } from '@tp/data/files'
import { pooledToken, statesOutput } from '@tp/data/outputs'
import { readingPooled } from '../reading-pooled.ts'

/**
 * A file as it is read: where its vectors are pooled outside by the class token (its folder's `pooling`), its states have that row alone, and
 * where they are by the last token, every row is that one. The same file where they are not.
 * @throws TpError TP_DATA for a file next to it that is invalid JSON
 */
export async function asPooled(file: ModelFile): Promise<ModelFile> {
  const folder = await folderOfStates(file)
  const model = readingPooled(file.model, folder && pooledToken(file.model, folder))
  return model === file.model ? file : { ...file, model }
}

/** As `givesVectors` of `@tp/compare`, of a file with what lies next to it. @throws what loading it throws */
export async function fileGivesVectors(file: ModelFile, runtime: Runtime, signal?: AbortSignal): Promise<boolean> {
  const folder = await readModelFolder(file.path)
  await using session = await loadFile(runtime, file, signal && { signal })
  return givesVectors(file.model, session, folder)
}

/** How vectors are made of the states that a file returns, where the files next to it say so. @throws TpError TP_DATA */
export async function pooledOutside(file: ModelFile): Promise<ModelFolder['pooling']> {
  return (await folderOfStates(file))?.pooling
}

/**
 * Throws for what prunes tokens.
 * @throws Refused TP_POOLING where the last token is read of states that are pooled outside, and is not always kept: where every row is that one,
 * or in a causal encoder, it is; in others it is at another position in every text, and may be pruned
 */
export async function requireKeptRows(file: ModelFile): Promise<void> {
  const pooling = await pooledOutside(file)
  if (pooling?.of !== 'last token') return
  const found = inspect(file.model)
  const reads = found.ok ? found.head.flatMap((each) => each.reads) : []
  if (found.ok && (found.poolsLast || reads.some(({ kind }) => kind === 'last-token'))) return
  const seen = `${poolingSource(pooling)} reads the last token of its states, which may be pruned`
  const advice = 'export the model with its pooling inside (sentence_embedding); tp prune --lossless does what is exact'
  throw new Refused('TP_POOLING', `${seen}; ${advice}`)
}

/** Of other models the folder is not read: it need not be right. */
async function folderOfStates({ path, model }: ModelFile): Promise<ModelFolder | undefined> {
  if (statesOutput(model) === undefined) return undefined
  const folder = await readModelFolder(path)
  return statesOutput(model, folder.labels) === undefined ? undefined : folder
}
