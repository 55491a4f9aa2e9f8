import { basename } from 'node:path'
import { type Explanation, explain } from '@tp/compare'
import type { Inspection } from '@tp/compiler'
import { isTpError, TpError } from '@tp/core'
import type { ModelFile } from '@tp/data'
import { loadTokenizer, readModelFolder } from '@tp/data'
import { loadSession } from '@tp/data/files'
import type { ModelInputs, TextTokenizer } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { type SaliencyScore, saliencyOf } from '@tp/train'
import type { Context } from '../context/context.ts'

interface FileToExplain {
  readonly file: ModelFile
  readonly inspection: Inspection
  readonly inputs: ModelInputs
  readonly batchSize: number
  /** Default: the one next to the model. */
  readonly tokenizer: string | undefined
  readonly score: SaliencyScore
  /** The model pruned by a method, with traces and scores, and its protected positions. */
  readonly pruned: { readonly model: Model; readonly protectedPositions: readonly number[] } | undefined
}

/** @throws TpError TP_GRADIENT, TP_OUTPUT, TP_DATA, TP_ABORTED */
export async function explainFile(
  { file, inspection, inputs, batchSize, tokenizer: path, score, pruned }: FileToExplain,
  { progress, signal }: Context,
): Promise<Explanation[]> {
  const tokenizer = await tokenizerOf(file.path, inputs, path)
  progress.stage('computing saliency')
  const saliency = await saliencyOf({
    model: file.model,
    runtime: nodeRuntime(),
    ...{ inputs, encoder: inspection.encoder, score, batchSize, signal },
  }).catch((error: unknown) => {
    throw isTpError(error) && error.code === 'TP_GRADIENT' ? impassable(file, error) : error
  })
  await using dense = await nodeRuntime().load(file.path, { threads: 1, signal })
  const options = { dense, inputs, saliency, batchSize, tokenizer, signal }
  if (pruned === undefined) return await explain(options)
  progress.stage('following tokens')
  await using session = await loadSession(nodeRuntime(), pruned.model, file, { threads: 1, signal })
  const { protectedPositions } = pruned
  const onProgress = (done: number, total: number): void => progress.step(done, total)
  return await explain({ ...options, pruned: { session, protectedPositions }, onProgress })
}

function impassable({ path }: ModelFile, cause: TpError): TpError {
  const reason = cause.message.replace(`[${cause.where}] `, '')
  const advice = 'explain the model as it was before it was quantized or fused'
  return new TpError('TP_GRADIENT', 'tp', `${basename(path)}: a gradient cannot pass ${reason}; ${advice}`, { cause })
}

/** Opens what words of a text are called by; only texts have lengths of their own, and words to show. */
async function tokenizerOf(
  modelPath: string,
  { lengths }: ModelInputs,
  encoder: string | undefined,
): Promise<TextTokenizer | undefined> {
  const path = encoder ?? (await readModelFolder(modelPath)).tokenizer
  return lengths === undefined || path === undefined ? undefined : await loadTokenizer(path)
}
