import { givesVectors } from '@tp/compare'
import { TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import {
  type ExamplesOptions,
  type ModelFile,
  openExamples,
  prepareInputs,
  readModelFolder,
  readTaskData,
  sharedExamples,
} from '@tp/data'
import { isSameFile } from '@tp/data/files'
import type { ModelInputs } from '@tp/data/inputs'
import { APART } from '../job/apart.ts'
import type { TrainingJob } from '../job/job.ts'

/** Data of a training: a file or folder, and how it is read. */
export interface ExamplesToRead extends ExamplesOptions {
  readonly path: string
}

/**
 * Examples to learn from, and others to choose the best weights by, as the model takes them.
 * @param session of the model
 * @throws TpError TP_DATA where both are one file, TP_TASK for a model that tags tokens, and of `@tp/data`
 * @example
 * const examples = await readTrainingExamples(file, session, { path: 'train.tsv' }, { path: 'dev.tsv' })
 * const trained = await trainPlan({ ...examples, dense: file.model, source: file.hash(), plan, methods, runtime })
 */
export async function readTrainingExamples(
  file: ModelFile,
  session: Session,
  data: ExamplesToRead,
  selection: ExamplesToRead,
): Promise<Pick<TrainingJob, 'inputs' | 'selection' | 'shared' | 'gives'>> {
  if (await isSameFile(data.path, selection.path))
    throw new TpError('TP_DATA', 'train', `data and selection are both ${data.path}; ${APART}`)
  const folder = await readModelFolder(file.path)
  if (givesVectors(file.model, session, folder)) {
    const open = async ({ path, ...options }: ExamplesToRead): Promise<ModelInputs> =>
      (await readTaskData(file.path, session, path, { ...options, task: 'embeddings' })).inputs as ModelInputs
    const [inputs, chosenBy] = [await open(data), await open(selection)]
    const known = new Set(inputs.keys)
    const shared = chosenBy.keys?.filter((key) => known.has(key)).length ?? 0
    return { inputs, selection: chosenBy, shared, gives: 'vector' }
  }
  const learned = await openExamples(file.path, session, data.path, data)
  if (learned.task === 'tokens') throw givesTags(file.path)
  const chosenBy = await openExamples(file.path, session, selection.path, selection)
  return {
    shared: await sharedExamples(chosenBy.dataset, learned.dataset),
    inputs: await prepareInputs(learned.dataset, session.inputs, learned.prepare),
    selection: await prepareInputs(chosenBy.dataset, session.inputs, chosenBy.prepare),
    gives: learned.ranks ? 'score' : 'logits',
  }
}

function givesTags(path: string): TpError {
  const seen = `${path} gives a class for each token, and training requires one answer for each example`
  const advice = 'prune it by a method that learns nothing; tp optimize chooses one'
  return new TpError('TP_TASK', 'train', `${seen}; ${advice}`)
}
