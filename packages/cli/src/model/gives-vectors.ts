import { inspect } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { readModelFolder } from '@tp/data'
import { taskOf } from '@tp/data/outputs'
import { nodeRuntime } from '@tp/runtime-node'
import type { Context } from '../context/context.ts'

/** Whether a model gives vectors: by the names of its outputs, or because one has the length 1, as no logits have. */
export async function givesVectors({ path, model }: ModelFile, context: Context): Promise<boolean> {
  const found = inspect(model)
  if (found.ok && found.head.some(({ normalized }) => normalized)) return true
  const { labels } = await readModelFolder(path)
  await using session = await (context.runtime ?? nodeRuntime()).load(path, { signal: context.signal })
  return taskOf(session.outputs, labels) === 'embeddings'
}
