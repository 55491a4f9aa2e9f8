import { TpError } from '@tp/core'
import type { AnswerForm, Session } from '@tp/core/runtime'
import type { TaggedInputs } from '@tp/data'
import { IGNORED } from '@tp/data/inputs'
import { formOfLabels, labelsOf, type TokenClasses, tagsOf } from '@tp/data/outputs'
import {
  type AllLogits,
  answersIn,
  countEntities,
  type Figure,
  figureInterval,
  type Interval,
  isBio,
  type Logits,
  probabilities,
  scaledInterval,
} from '@tp/metrics'
import type { Outcome } from './outcome.ts'
import { type EvaluateOptions, runExamples } from './run-examples.ts'

/** The answers of a token classifier, whether words have tags or not. Arrays are by sentence, in the data set's order. */
export interface TokenAnswers extends Outcome<'tokens'> {
  /** The tags that the judged tokens of each sentence were given. */
  readonly predictions: readonly Int32Array[]
  /** The number of tags, and the logits of all of them, [judged tokens × classes] by sentence; on request, unless there are too many. */
  readonly logits?: { readonly classes: number; readonly bySentence: readonly Float32Array[] } | undefined
  /** The form of the numbers of labels. */
  readonly answerForm?: AnswerForm
}

/** The answers to sentences whose words have tags. */
export interface TokenEvaluation extends TokenAnswers {
  /** Judged tokens with the right tag, in percent; 95 % interval in which whole sentences vary. */
  readonly accuracy: Interval
  /** F1 of whole entities in percent, over all types together, for BIO tags; of labels that hold, over all labels together (micro). Where there are none of them, undefined. */
  readonly f1: Interval | undefined
  /** Sentences with every tag right. */
  readonly correct: readonly boolean[]
}

export interface TokenOptions extends EvaluateOptions {
  /** Names of the tags by class number; without them entities are not counted. */
  readonly labels?: readonly string[] | undefined
}

/**
 * The tags that a model gives the judged tokens of all sentences, whichever are right.
 * @throws TpError TP_DATA for a tag that the model does not have, TP_OUTPUT, TP_TOKENIZER, TP_ABORTED
 */
export async function tagTokens(
  session: Session,
  inputs: TaggedInputs,
  options: EvaluateOptions & { readonly logits?: boolean } = {},
): Promise<TokenAnswers> {
  const predictions = new Array<Int32Array>(inputs.tags.length)
  const logits = new Array<Float32Array>(inputs.tags.length)
  let count = 0
  const take = (positions: readonly number[], { classes, tags: predicted, logitsAt }: TokenClasses): void => {
    count = classes
    for (const [row, position] of positions.entries()) {
      const tags = inputs.tags[position] as Int32Array
      checkTags(tags, classes, inputs.source, position)
      const tokens = judged(tags)
      predictions[position] = Int32Array.from(tokens, (token) => predicted[row]?.[token] as number)
      if (options.logits && classes <= MOST_CLASSES)
        logits[position] = joined(
          tokens.map((at) => logitsAt(row, at)),
          classes,
        )
    }
  }
  // Kept until all are there, which decide the form of their numbers.
  const ofLabels: { readonly positions: readonly number[]; readonly answers: Logits }[] = []
  const run = await runExamples(session, inputs, options, ({ outputs, feeds, positions }) => {
    const rows = positions.length
    if (inputs.unit === 'labels') ofLabels.push({ positions, answers: answersIn(outputs, rows) })
    else take(positions, tagsOf({ outputs, feeds, rows }))
  })
  const isProbable = ofLabels.every(({ answers }) => formOfLabels(answers.data) === 'sigmoid')
  const { answerForm = isProbable ? 'sigmoid' : 'logits' } = inputs
  for (const { positions, answers } of ofLabels) take(positions, labelsOf(answers, answerForm))
  const known = options.logits && count <= MOST_CLASSES
  return {
    ...{ task: 'tokens', figures: {}, predictions },
    ...(ofLabels.length > 0 && { answerForm }),
    ...(known && { logits: { classes: count, bySentence: logits } }),
    ...run,
  }
}

/**
 * Runs a model of tokens on all sentences and counts right tags and entities.
 * @throws TpError as `tagTokens`
 */
export async function evaluateTokens(
  session: Session,
  inputs: TaggedInputs,
  options: TokenOptions = {},
): Promise<TokenEvaluation> {
  const { labels } = options
  const answers = await tagTokens(session, inputs, options)
  const { predictions } = answers
  const labeled = inputs.tags.map((tags) => Int32Array.from(judged(tags), (token) => tags[token] as number))
  const got = labeled.map((tags, i) => tags.filter((tag, token) => tag === predictions[i]?.[token]).length)
  const accuracy: Figure = { got, of: labeled.map(({ length }) => length), share: true }
  const f1 = f1Figure(predictions, labeled, inputs.unit, labels)
  return {
    ...answers,
    accuracy: scaledInterval(figureInterval(accuracy), 100),
    f1: f1 && scaledInterval(figureInterval(f1), 100),
    correct: labeled.map((tags, i) => got[i] === tags.length),
    figures: f1 === undefined ? { accuracy } : { f1, accuracy },
  }
}

/** Of labels that hold, or of whole entities. Undefined for other tags, and where there is nothing to find: F1 would be 0, or 0 / 0. */
function f1Figure(
  predictions: readonly Int32Array[],
  labeled: readonly Int32Array[],
  unit: TaggedInputs['unit'],
  labels: readonly string[] | undefined,
): Figure | undefined {
  const hasOthers = (than: number): boolean => labeled.some((tags) => tags.some((tag) => tag !== than))
  if (unit === 'labels') return hasOthers(NOT_HOLDING) ? tagFigure(predictions, labeled, NOT_HOLDING) : undefined
  if (labels === undefined || !isBio(labels) || !hasOthers(labels.indexOf('O'))) return undefined
  return entityFigure(predictions, labeled, labels)
}

/** The tag of a label that does not hold. */
const NOT_HOLDING = 0

/** The tag that says nothing of the examples: see {@link commonTag}; that a label does not hold. */
export function plainTag({ unit }: Pick<TaggedInputs, 'unit'>, predictions: readonly Int32Array[]): number | undefined {
  return unit === 'labels' ? NOT_HOLDING : commonTag(predictions)
}

/**
 * The tag of more than half of all judged words (O, as a rule), which says nothing of them; undefined where none is as common.
 * @param predictions by sentence and judged word
 */
export function commonTag(predictions: readonly Int32Array[]): number | undefined {
  const counts = new Map<number, number>()
  let words = 0
  for (const tags of predictions) {
    for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1)
    words += tags.length
  }
  return [...counts].find(([, count]) => 2 * count > words)?.[0]
}

/**
 * F1 of the tags of words, that most words have left out, against other tags of the same words. A model that no longer finds anything
 * among words that hardly ever are something agrees with most tags; this sees it.
 * @param common not counted where both have it, unless there is no other; undefined: every tag counts
 */
export function tagFigure(
  found: readonly Int32Array[],
  reference: readonly Int32Array[],
  common: number | undefined,
): Figure {
  const count = (tags: Int32Array): number => tags.filter((tag) => tag !== common).length
  const isEmpty = [...found, ...reference].every((tags) => count(tags) === 0)
  if (common !== undefined && isEmpty) return tagFigure(found, reference, undefined)
  return {
    got: found.map((tags, i) => 2 * tags.filter((tag, word) => tag !== common && tag === reference[i]?.[word]).length),
    of: found.map((tags, i) => count(tags) + count(reference[i] as Int32Array)),
    share: true,
  }
}

/**
 * F1 of tags as probabilities have it: a tag is right as often as they say, and so is another one than the common one.
 * @param found by sentence and judged word
 * @param dense logits of all judged words, one sentence after the other, [words × classes], which `temperature` divides
 * @param common not counted where it is found
 */
export function expectedTagFigure(
  found: readonly Int32Array[],
  dense: AllLogits & { readonly temperature?: number | undefined },
  common: number | undefined,
): Figure {
  const { logits, classes, temperature = 1 } = dense
  let word = 0
  const sentences = found.map((tags) => {
    let [right, all] = [0, 0]
    for (const tag of tags) {
      const own = logits.subarray(word * classes, ++word * classes)
      const likely = probabilities(own.map((logit) => logit / temperature))
      all += 1 - (likely[common ?? -1] ?? 0)
      if (tag === common) continue
      all += 1
      right += likely[tag] ?? 0
    }
    return { got: 2 * right, of: all }
  })
  return { got: sentences.map(({ got }) => got), of: sentences.map(({ of }) => of), share: true }
}

/** Judged tokens with the dense model's tag, right or wrong. @throws TpError TP_OPTION if the two are not of the same sentences */
export function tokenAgreement(pruned: TokenAnswers, dense: TokenAnswers): Figure {
  const [own, reference] = [pruned.predictions, dense.predictions]
  if (own.length !== reference.length || own.some(({ length }, i) => length !== reference[i]?.length)) {
    const counts = `${own.length} and ${reference.length}`
    throw new TpError(
      'TP_OPTION',
      'compare',
      `evaluations of ${counts} sentences cannot be compared; evaluate the same`,
    )
  }
  return {
    got: reference.map((tags, i) => tags.filter((tag, token) => tag === own[i]?.[token]).length),
    of: reference.map(({ length }) => length),
    share: true,
  }
}

/** The logits of a whole vocabulary would not fit in memory. */
const MOST_CLASSES = 1024

function joined(rows: readonly Float32Array[], width: number): Float32Array {
  const all = new Float32Array(rows.length * width)
  for (const [i, row] of rows.entries()) all.set(row, i * width)
  return all
}

/** Positions of the tokens that count. */
function judged(tags: Int32Array): number[] {
  return [...tags.keys()].filter((token) => tags[token] !== IGNORED)
}

function entityFigure(
  predictions: readonly Int32Array[],
  labeled: readonly Int32Array[],
  labels: readonly string[],
): Figure {
  const names = (tags: Int32Array): string[] => Array.from(tags, (tag) => labels[tag] ?? 'O')
  const counts = labeled.map((tags, i) => countEntities(names(predictions[i] as Int32Array), names(tags)))
  return {
    got: counts.map(({ hits }) => 2 * hits),
    of: counts.map(({ found, labeled }) => found + labeled),
    share: true,
  }
}

function checkTags(tags: Int32Array, classes: number, source: string, position: number): void {
  const wrong = tags.find((tag) => tag >= classes)
  if (wrong === undefined) return
  const seen = `sentence ${position} has tag ${wrong}, but the model gives ${classes} classes (0…${classes - 1})`
  throw new TpError('TP_DATA', 'compare', `${source}: ${seen}`)
}
