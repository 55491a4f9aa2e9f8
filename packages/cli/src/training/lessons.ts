import { createHash } from 'node:crypto'
import { inspect } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import { asScored, evaluate, prepareInputs, qualityOf, rank, sharedExamples } from '@tp/eval'
import type { Dataset, ModelInputs } from '@tp/eval/inputs'
import type { Model } from '@tp/onnx'
import { defaults } from '@tp/train'
import type { Arguments } from '../command/arguments.ts'
import type { Context } from '../command/context.ts'
import { usageError } from '../command/usage-error.ts'
import { isSameFile } from '../files/same-file.ts'
import { loadSession } from '../model/load-session.ts'
import type { ModelFile } from '../model/model-file.ts'
import { type dataOptions, openData } from '../model/open-inputs.ts'

export const selectionOption = {
  selection: {
    type: 'string',
    value: 'PATH',
    reads: 'data',
    description: 'examples that the best weights are chosen by; not those of --data',
  },
} as const

/** What is learned from, and how models answer. */
export interface TrainingData {
  readonly inputs: ModelInputs
  readonly selection: ModelInputs
  /** Logits of the dense model for all examples. */
  readonly teacher: Float32Array
  /** The part of the dense model's answers in the loss: all of it where examples have no labels. */
  readonly distillation: number
  /** How good the dense model is on the selection set, see `accuracy`. */
  readonly dense: number
  load(model: Model): Promise<Session>
  /**
   * Percent of the selection set that a model has right; of a ranking the nDCG@10, by the dense model's scores where nobody has
   * judged.
   */
  accuracy(model: Model): Promise<number>
}

/** How many examples are run at once where nothing is learned. */
const BATCH = 8

/**
 * @param asked share of the dense model's answers in the loss; default: half, or all of it without labels
 * @throws TpError TP_USAGE, TP_DATA
 */
export async function openLessons(
  file: ModelFile,
  given: Arguments<typeof dataOptions & typeof selectionOption>,
  asked: number | undefined,
  context: Context,
): Promise<TrainingData> {
  const { data, selection: selectionPath, limit: _, ...reading } = given
  if (data === undefined || selectionPath === undefined) throw missing(data === undefined ? 'data' : 'selection')
  const { progress, signal } = context
  if (await isSameFile(data, selectionPath)) {
    throw usageError(`--data and --selection are both ${data}; ${APART}`)
  }
  const learned = await openData(file.path, data, 1, given, context)
  if (learned.task === 'embeddings' || givesUnitVectors(file.model)) throw givesVectors(file.path)
  const chosenBy = await openData(file.path, selectionPath, 1, reading, context)
  await checkApart(learned.dataset, chosenBy.dataset, progress)
  const inputs = await prepareInputs(learned.dataset, learned.inputs, learned.prepare)
  const chosen = await prepareInputs(chosenBy.dataset, chosenBy.inputs, chosenBy.prepare)
  const load = (model: Model): Promise<Session> => loadSession(model, file, { threads: 1, signal })
  const onProgress = ({ done, total }: { done: number; total: number }): void => progress.step(done, total)
  const answers = async (examples: ModelInputs): Promise<ArrayLike<number>> => {
    await using session = await load(file.model)
    const options = { batchSize: BATCH, signal, onProgress }
    return learned.ranks
      ? (await rank(session, examples, options)).scores
      : (await evaluate(session, examples, options)).logits
  }
  progress.stage('asking the dense model')
  const teacher = Float32Array.from(await answers(inputs))
  const { ranking } = chosen
  const isUnjudged = ranking !== undefined && ranking.relevance === undefined
  const selection = isUnjudged ? { ...chosen, ranking: asScored(ranking, Array.from(await answers(chosen))) } : chosen
  const distillation = asked ?? (inputs.targets.every((target) => target < 0) ? 1 : defaults.distillation)
  if (distillation < 1) checkClasses(inputs, learned.ranks ? 2 : teacher.length / inputs.targets.length)
  const accuracy = async (model: Model): Promise<number> => {
    await using session = await load(model)
    return await qualityOf(session, selection, { batchSize: BATCH, signal })
  }
  return { inputs, selection, teacher, distillation, dense: await accuracy(file.model), load, accuracy }
}

/** Whether a model has an output of length 1, as embeddings have and no logits. */
function givesUnitVectors(model: Model): boolean {
  const found = inspect(model)
  return found.ok && found.head.some(({ normalised }) => normalised)
}

function givesVectors(path: string): TpError {
  const reason =
    'it gives vectors, and training learns classes, ranks or tags: it would take each feature of the vector for a class'
  return new TpError('TP_OUTPUT', path, `${reason}; prune it without training, and measure it with tp eval`)
}

const APART = 'weights that are chosen by what they have learned are those that know it by heart: give other examples'

/**
 * Checks that most of the selection examples are not among the training examples.
 * @throws TpError TP_DATA
 */
async function checkApart(learned: Dataset, chosenBy: Dataset, progress: Context['progress']): Promise<void> {
  const shared = await sharedExamples(chosenBy, learned)
  if (shared === 0) return
  const count = chosenBy.examples.length
  const seen = `${shared} of ${count} examples of ${chosenBy.source} are among those of ${learned.source}`
  if (2 * shared > count) throw new TpError('TP_DATA', 'tp', `${seen}; ${APART}`)
  progress.note(`${seen}, which are learned from`)
}

/** What is missing on a command line. */
export function missing(option: 'data' | 'selection'): TpError {
  const what = option === 'data' ? 'learn from' : 'choose the best weights by'
  return usageError(`--${option} PATH is missing: examples to ${what}`)
}

/** Labels, lengths and contents of examples as one number, to know them again. */
export function fingerprint({ targets, lengths, keys }: ModelInputs): string {
  return createHash('sha256')
    .update(JSON.stringify([targets, lengths, keys]))
    .digest('hex')
    .slice(0, 16)
}

/** A model unlearns a class of which it sees no example. */
function checkClasses({ targets, source }: ModelInputs, classes: number): void {
  const seen = new Set(targets)
  const wrong = targets.findIndex((target) => !(Number.isInteger(target) && target >= 0 && target < classes))
  if (wrong >= 0) {
    const known = `the model has ${classes} classes (0…${classes - 1})`
    throw new TpError('TP_DATA', 'tp', `${source}: example ${wrong} has class ${targets[wrong]}, but ${known}`)
  }
  const empty = Array.from({ length: classes }, (_, i) => i).filter((id) => !seen.has(id))
  if (empty.length === 0) return
  const which = empty.length === 1 ? `class ${empty[0]}` : `the classes ${empty.slice(0, 20).join(', ')}`
  const advice = 'add some, or learn from the dense model alone with --distillation 1'
  throw new TpError(
    'TP_DATA',
    'tp',
    `${source}: no example has ${which} of the model, which it would unlearn; ${advice}`,
  )
}
