import { type Embeddings, embed, qualityOf } from '@tp/compare'
import { inspect } from '@tp/compiler'
import { readModelFolder } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import { taskOf } from '@tp/data/outputs'
import type { Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import type { Arguments } from '../command/arguments.ts'
import type { Context } from '../command/context.ts'
import { usageError } from '../command/usage-error.ts'
import { loadSession } from '../model/load-session.ts'
import type { ModelFile } from '../model/model-file.ts'
import type { dataOptions } from '../model/open-inputs.ts'
import { openTaskInputs } from '../model/open-task-inputs.ts'
import { checkApart } from './apart.ts'
import { askDense } from './ask-dense.ts'
import { subjectOf } from './subject.ts'
import { BATCH, BATCH_TOKENS, type ExpectedJob, type TrainingData } from './training-data.ts'

/** Whether a model gives vectors: by the names of its outputs, or because one has the length 1, as no logits have. */
export async function givesVectors({ path, model }: ModelFile, context: Context): Promise<boolean> {
  const found = inspect(model)
  if (found.ok && found.head.some(({ normalized }) => normalized)) return true
  const { labels } = await readModelFolder(path)
  await using session = await (context.runtime ?? nodeRuntime()).load(path, { signal: context.signal })
  return taskOf(session.outputs, labels) === 'embeddings'
}

interface VectorData {
  readonly data: string
  readonly selection: string
  readonly resume?: boolean
}

/**
 * Texts without labels, and the dense model's vectors of them.
 * @param asked share of these in the loss: all of it
 * @throws TpError TP_USAGE, TP_DATA, TP_OUTPUT
 */
export async function openVectorLessons(
  file: ModelFile,
  { data, selection: selectionPath, limit, resume = false, ...reading }: Arguments<typeof dataOptions> & VectorData,
  asked: number | undefined,
  { job, expect, answers }: ExpectedJob,
  context: Context,
): Promise<TrainingData> {
  if (asked !== undefined && asked < 1) {
    throw usageError(
      `--distillation ${asked}: the model gives vectors, which are learned from the dense model alone; omit it`,
    )
  }
  const { progress, signal } = context
  const open = async (path: string, more: { readonly limit?: string } = {}): Promise<ModelInputs> => {
    const { inputs } = await openTaskInputs(file.path, path, 1, { ...reading, ...more, task: 'embeddings' }, context)
    return inputs as ModelInputs
  }
  const inputs = await open(data, limit === undefined ? {} : { limit })
  const { pooling = 'mean' } = inputs
  if (pooling !== 'mean') throw usageError(`this model pools by the ${pooling}, and only means are learned (1_Pooling)`)
  const chosen = await open(selectionPath)
  const known = new Set(inputs.keys)
  const shared = chosen.keys?.filter((key) => known.has(key)).length ?? 0
  checkApart(shared, inputs, { source: chosen.source, count: chosen.targets.length }, progress)
  const load = (model: Model): ReturnType<typeof loadSession> => loadSession(model, file, { threads: 1, signal })
  const onProgress = ({ done, total }: { done: number; total: number }): void => job.step(done, total)
  const running = { batchSize: BATCH, batchTokens: BATCH_TOKENS, signal, onProgress }
  expect({ examples: inputs.targets.length, selection: chosen.targets.length })
  await answers.open(subjectOf(file, inputs, chosen), resume)
  await using dense = await load(file.model)
  job.enter('teacher')
  const teacher = await askDense(
    inputs,
    async (texts, onProgress) => {
      const { vectors } = await embed(dense, texts, { ...running, onProgress })
      return joined(vectors, Float32Array)
    },
    { answers, job },
  )
  job.enter('selection')
  const chosenVectors = async (): Promise<Float64Array> =>
    joined((await embed(dense, chosen, running)).vectors, Float64Array)
  const all = await answers.of('vectors of the selection', chosenVectors)
  const selection = { ...chosen, vectors: divided(all, chosen.targets.length) }
  return {
    ...{ answer: 'embedding', distillation: 1, dense: 100 },
    ...{ inputs, selection, teacher, load },
    async accuracy(model) {
      await using session = await load(model)
      return await qualityOf(session, selection, running)
    },
  }
}

/** Vectors of one length, one after another. */
function joined<T extends Float32Array | Float64Array>(
  vectors: Embeddings['vectors'],
  Numbers: new (length: number) => T,
): T {
  const all = new Numbers(vectors.length * (vectors[0]?.length ?? 0))
  for (const [row, vector] of vectors.entries()) all.set(vector, row * vector.length)
  return all
}

function divided(all: Float64Array, count: number): Float64Array[] {
  const length = all.length / count
  return Array.from({ length: count }, (_, row) => all.subarray(row * length, (row + 1) * length))
}
