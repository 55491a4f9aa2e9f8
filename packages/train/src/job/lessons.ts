import { asScored, classify, qualityOf, rank } from '@tp/compare'
import { TpError } from '@tp/core'
import { fingerprint, isLabeled, type ModelInputs } from '@tp/data/inputs'
import { largest, logitRowsOf } from '@tp/metrics'
import type { Model } from '@tp/onnx'
import { defaults } from '../settings.ts'
import { askDense } from './ask-dense.ts'
import { type LessonOptions, runOptions, type TrainingData } from './training-data.ts'

/**
 * The dense model's logits of all examples, and its quality on the selection set. Where examples have no labels, the dense model's
 * answers are the right ones.
 * @throws TpError TP_DATA, TP_RESUME
 */
export async function logitLessons(options: LessonOptions): Promise<TrainingData> {
  const { dense: model, inputs, selection: chosen, ranks, answers, observer, load } = options
  options.expect({ examples: inputs.targets.length, selection: chosen.targets.length })
  const running = runOptions(options)
  await openAnswers(options)
  await using dense = await load(model)
  observer.enter?.('teacher')
  const teacher = await askDense(
    inputs,
    async (examples, onProgress) =>
      ranks
        ? Float32Array.from((await rank(dense, examples, { ...running, onProgress })).scores)
        : (await classify(dense, examples, { ...running, onProgress })).logits,
    { answers, onProgress: running.onProgress },
  )
  const { ranking } = chosen
  const isUnjudged = ranking !== undefined && !ranking.relevance?.some((relevance) => relevance > 0)
  const scores = async (): Promise<Float64Array> => Float64Array.from((await rank(dense, chosen, running)).scores)
  const predictions = async (): Promise<Float64Array> =>
    Float64Array.from((await classify(dense, chosen, running)).predictions)
  const selection = isUnjudged
    ? { ...chosen, ranking: asScored(ranking, Array.from(await answers.of('scores of the selection', scores))) }
    : ranks || isLabeled(chosen)
      ? chosen
      : { ...chosen, targets: Array.from(await answers.of('answers to the selection', predictions)) }
  if (isUnjudged && ranking.relevance !== undefined)
    observer.onNote?.(`${chosen.source} has no relevant candidate: the dense model's scores count as their relevance`)
  for (const { source } of ranks ? [] : [inputs, chosen].filter((some) => !isLabeled(some)))
    observer.onNote?.(`${source} has no labels: the dense model's answers count as the right ones`)
  const distillation = options.distillation ?? (isLabeled(inputs) ? defaults.distillation : 1)
  const classes = ranks ? 2 : teacher.length / inputs.targets.length
  const learned =
    ranks || isLabeled(inputs)
      ? inputs
      : { ...inputs, targets: logitRowsOf({ logits: teacher, classes }).map((row) => largest(row)) }
  if (distillation < 1 || !ranks) checkTargets(learned, classes)
  if (distillation < 1) checkSeen(learned, classes)
  observer.enter?.('selection')
  const quality = async (): Promise<Float64Array> => Float64Array.of(await qualityOf(dense, selection, running))
  const [denseAccuracy = Number.NaN] = await answers.of('quality', quality)
  return {
    ...{ answer: 'logits', inputs: learned, selection, teacher, distillation, denseAccuracy },
    accuracy: (model) => accuracyOf(model, selection, options),
  }
}

/** @throws TpError TP_RESUME where stored answers are of another model or other examples */
export async function openAnswers({
  source,
  inputs,
  selection,
  answers,
  resume,
}: Pick<LessonOptions, 'source' | 'inputs' | 'selection' | 'answers' | 'resume'>): Promise<void> {
  const [data, chosen] = [await fingerprint(inputs), await fingerprint(selection)]
  await answers.open({ model: source, data, selection: chosen }, resume)
}

export async function accuracyOf(model: Model, selection: ModelInputs, options: LessonOptions): Promise<number> {
  await using session = await options.load(model)
  return await qualityOf(session, selection, runOptions(options))
}

function checkTargets({ targets, source }: ModelInputs, classes: number): void {
  const wrong = targets.findIndex((target) => !(Number.isInteger(target) && target >= 0 && target < classes))
  if (wrong < 0) return
  const known = `the model has ${classes} classes (0…${classes - 1})`
  throw new TpError('TP_DATA', 'train', `${source}: example ${wrong} has class ${targets[wrong]}, but ${known}`)
}

/** A model unlearns a class of which it sees no example. */
function checkSeen({ targets, source }: ModelInputs, classes: number): void {
  const seen = new Set(targets)
  const empty = Array.from({ length: classes }, (_, i) => i).filter((id) => !seen.has(id))
  if (empty.length === 0) return
  const which = empty.length === 1 ? `class ${empty[0]}` : `the classes ${empty.slice(0, 20).join(', ')}`
  const advice = 'add some, or learn from the dense model alone (distillation 1)'
  const problem = `no example has ${which} of the model, which it would unlearn; ${advice}`
  throw new TpError('TP_DATA', 'train', `${source}: ${problem}`)
}
