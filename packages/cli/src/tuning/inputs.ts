import { embed } from '@tp/compare'
import type { ModelFile } from '@tp/data'
import { type ModelInputs, sampleExamples } from '@tp/data/inputs'
import type { Arguments } from '../command/arguments.ts'
import type { Context } from '../command/context.ts'
import { usageError } from '../command/usage-error.ts'
import { loadSession } from '../model/load-session.ts'
import type { dataOptions } from '../model/open-inputs.ts'
import { openTaskInputs } from '../model/open-task-inputs.ts'

/** As many as tuning uses: more would be embedded for nothing. */
const MOST_EMBEDDED = 2500

/**
 * What a plan is chosen by: labeled or ranked examples, or, for a model that gives vectors, texts of all lengths with the dense model's
 * own.
 * @throws TpError TP_USAGE, TP_DATA, TP_OUTPUT
 */
export async function tuningInputs(
  file: ModelFile,
  { data, ...given }: Omit<Arguments<typeof dataOptions>, 'data'> & { readonly data: string },
  embeds: boolean,
  context: Context,
): Promise<ModelInputs> {
  const task = embeds ? { task: 'embeddings' } : {}
  const opened = await openTaskInputs(file.path, data, 1, { ...given, ...task }, context)
  if (opened.task === 'tokens' || opened.task === 'asr') {
    throw usageError('tp tune is for models that give classes, scores or vectors; tp eval compares methods on this one')
  }
  if (opened.task !== 'embeddings') return opened.inputs
  return await withVectors(file, sampleExamples(opened.inputs, MOST_EMBEDDED), context)
}

/** Texts with the dense model's own vectors of them. */
export async function withVectors(
  file: ModelFile,
  inputs: ModelInputs,
  { progress, signal }: Pick<Context, 'progress' | 'signal'>,
): Promise<ModelInputs> {
  progress.stage('running the model as it is')
  await using session = await loadSession(file.model, file, { signal })
  const onProgress = ({ done, total }: { done: number; total: number }): void => progress.step(done, total)
  const { vectors } = await embed(session, inputs, { batchSize: 16, signal, onProgress })
  return { ...inputs, vectors }
}
