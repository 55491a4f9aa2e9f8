import { TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import type { TaggedInputs } from '@tp/data'
import { IGNORED } from '@tp/data/inputs'
import { tagsOf } from '@tp/data/outputs'
import { countEntities, type Figure, figureInterval, type Interval, isBio, scaledInterval } from '@tp/metrics'
import type { Outcome } from './outcome.ts'
import { type EvaluateOptions, runExamples } from './run-examples.ts'

/** The answers of a token classifier. Arrays are by sentence, in the data set's order. */
export interface TokenEvaluation extends Outcome<'tokens'> {
  /** Judged tokens with the right tag, in percent; 95 % interval in which whole sentences vary. */
  readonly accuracy: Interval
  /** F1 of whole entities in percent, over all types together; for BIO tags. */
  readonly f1: Interval | undefined
  /** The tags that the judged tokens of each sentence were given. */
  readonly predictions: readonly Int32Array[]
  /** Sentences with every tag right. */
  readonly correct: readonly boolean[]
}

export interface TokenOptions extends EvaluateOptions {
  /** Names of the tags by class number; without them entities are not counted. */
  readonly labels?: readonly string[] | undefined
}

/**
 * Runs a model of tokens on all sentences and counts right tags and entities.
 * @throws TpError TP_DATA for a tag that the model does not have, TP_OUTPUT, TP_TOKENIZER, TP_ABORTED
 */
export async function evaluateTokens(
  session: Session,
  inputs: TaggedInputs,
  options: TokenOptions = {},
): Promise<TokenEvaluation> {
  const { labels } = options
  const predictions = new Array<Int32Array>(inputs.tags.length)
  const run = await runExamples(session, inputs, options, ({ outputs, feeds, positions }) => {
    const { classes, tags: predicted } = tagsOf({ outputs, feeds, rows: positions.length })
    for (const [row, position] of positions.entries()) {
      const tags = inputs.tags[position] as Int32Array
      checkTags(tags, classes, inputs.source, position)
      predictions[position] = Int32Array.from(judged(tags), (token) => predicted[row]?.[token] as number)
    }
  })
  const labeled = inputs.tags.map((tags) => Int32Array.from(judged(tags), (token) => tags[token] as number))
  const got = labeled.map((tags, i) => tags.filter((tag, token) => tag === predictions[i]?.[token]).length)
  const accuracy: Figure = { got, of: labeled.map(({ length }) => length), share: true }
  const f1 = labels && isBio(labels) ? entityFigure(predictions, labeled, labels) : undefined
  return {
    task: 'tokens',
    accuracy: scaledInterval(figureInterval(accuracy), 100),
    f1: f1 && scaledInterval(figureInterval(f1), 100),
    predictions,
    correct: labeled.map((tags, i) => got[i] === tags.length),
    figures: f1 === undefined ? { accuracy } : { f1, accuracy },
    ...run,
  }
}

/** Judged tokens with the dense model's tag, right or wrong. @throws TpError TP_OPTION if the two are not of the same sentences */
export function tokenAgreement(pruned: TokenEvaluation, dense: TokenEvaluation): Figure {
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
