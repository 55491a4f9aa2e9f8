import { asScored, evaluate, qualityOf, rank } from '@tp/compare'
import { TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import { prepareInputs, sharedExamples } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import { defaults } from '@tp/train'
import type { Arguments } from '../command/arguments.ts'
import type { Context } from '../command/context.ts'
import { usageError } from '../command/usage-error.ts'
import { isSameFile } from '../files/same-file.ts'
import { loadSession } from '../model/load-session.ts'
import type { ModelFile } from '../model/model-file.ts'
import { type dataOptions, openData } from '../model/open-inputs.ts'
import { APART, checkApart } from './apart.ts'
import { askDense } from './ask-dense.ts'
import { subjectOf } from './subject.ts'
import { BATCH, BATCH_TOKENS, type ExpectedJob, type TrainingData } from './training-data.ts'
import { givesVectors, openVectorLessons } from './vector-lessons.ts'

export const selectionOption = {
  selection: {
    type: 'string',
    value: 'PATH',
    reads: 'data',
    description: 'examples that the best weights are chosen by; not those of --data',
  },
} as const

/**
 * @param asked share of the dense model's answers in the loss; default: half, or all of it without labels
 * @throws TpError TP_USAGE, TP_DATA
 */
export async function openLessons(
  file: ModelFile,
  given: Arguments<typeof dataOptions & typeof selectionOption> & { readonly resume?: boolean },
  asked: number | undefined,
  { job, expect, answers }: ExpectedJob,
  context: Context,
): Promise<TrainingData> {
  const { data, selection: selectionPath, limit: _, ...reading } = given
  if (data === undefined || selectionPath === undefined) throw missing(data === undefined ? 'data' : 'selection')
  const { progress, signal } = context
  if (await isSameFile(data, selectionPath)) {
    throw usageError(`--data and --selection are both ${data}; ${APART}`)
  }
  if (await givesVectors(file, context))
    return await openVectorLessons(
      file,
      { ...given, data, selection: selectionPath },
      asked,
      { job, expect, answers },
      context,
    )
  const learned = await openData(file.path, data, 1, given, context)
  const chosenBy = await openData(file.path, selectionPath, 1, reading, context)
  const shared = await sharedExamples(chosenBy.dataset, learned.dataset)
  const { examples, source } = chosenBy.dataset
  checkApart(shared, learned.dataset, { source, count: examples.length }, progress)
  const inputs = await prepareInputs(learned.dataset, learned.inputs, learned.prepare)
  const chosen = await prepareInputs(chosenBy.dataset, chosenBy.inputs, chosenBy.prepare)
  const load = (model: Model): Promise<Session> => loadSession(model, file, { threads: 1, signal })
  expect({ examples: inputs.targets.length, selection: chosen.targets.length })
  const onProgress = ({ done, total }: { done: number; total: number }): void => job.step(done, total)
  const running = { batchSize: BATCH, batchTokens: BATCH_TOKENS, signal, onProgress }
  await answers.open(subjectOf(file, inputs, chosen), given.resume === true)
  await using dense = await load(file.model)
  job.enter('teacher')
  const teacher = await askDense(
    inputs,
    async (examples, onProgress) =>
      learned.ranks
        ? Float32Array.from((await rank(dense, examples, { ...running, onProgress })).scores)
        : (await evaluate(dense, examples, { ...running, onProgress })).logits,
    { answers, job },
  )
  const { ranking } = chosen
  const isUnjudged = ranking !== undefined && ranking.relevance === undefined
  const scores = async (): Promise<Float64Array> => Float64Array.from((await rank(dense, chosen, running)).scores)
  const selection = isUnjudged
    ? { ...chosen, ranking: asScored(ranking, Array.from(await answers.of('scores of the selection', scores))) }
    : chosen
  const distillation = asked ?? (inputs.targets.every((target) => target < 0) ? 1 : defaults.distillation)
  const classes = learned.ranks ? 2 : teacher.length / inputs.targets.length
  if (distillation < 1 || !learned.ranks) checkTargets(inputs, classes)
  if (distillation < 1) checkSeen(inputs, classes)
  const accuracy = async (model: Model): Promise<number> => {
    await using session = await load(model)
    return await qualityOf(session, selection, running)
  }
  job.enter('selection')
  const quality = async (): Promise<Float64Array> => Float64Array.of(await qualityOf(dense, selection, running))
  const [denseQuality = Number.NaN] = await answers.of('quality', quality)
  return {
    answer: 'logits',
    inputs,
    selection,
    teacher,
    distillation,
    dense: denseQuality,
    load,
    accuracy,
  }
}

/** What is missing on a command line. */
export function missing(option: 'data' | 'selection'): TpError {
  const what = option === 'data' ? 'learn from' : 'choose the best weights by'
  return usageError(`--${option} PATH is missing: examples to ${what}`)
}

function checkTargets({ targets, source }: ModelInputs, classes: number): void {
  const wrong = targets.findIndex((target) => !(Number.isInteger(target) && target >= 0 && target < classes))
  if (wrong < 0) return
  const known = `the model has ${classes} classes (0…${classes - 1})`
  throw new TpError('TP_DATA', 'tp', `${source}: example ${wrong} has class ${targets[wrong]}, but ${known}`)
}

/** A model unlearns a class of which it sees no example. */
function checkSeen({ targets, source }: ModelInputs, classes: number): void {
  const seen = new Set(targets)
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
