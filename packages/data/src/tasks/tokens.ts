import { TpError } from '@tp/core'
import type { NamedTensors, Session, TensorLike } from '@tp/core/runtime'
import {
  countEntities,
  type Figure,
  figureInterval,
  type Interval,
  isBio,
  largest,
  ownOutputs,
  scaledInterval,
} from '@tp/metrics'
import { IGNORED } from '../datasets/tagged-tsv.ts'
import { type EvaluateOptions, runExamples } from '../evaluation/run-examples.ts'
import type { TaggedInputs } from '../inputs/tagged-inputs.ts'
import type { RanBatch } from './embeddings.ts'
import type { Outcome } from './outcome.ts'

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
    const { classes, tags: given } = tagsOf({ outputs, feeds, rows: positions.length })
    for (const [row, position] of positions.entries()) {
      const tags = inputs.tags[position] as Int32Array
      checkTags(tags, classes, inputs.source, position)
      predictions[position] = Int32Array.from(judged(tags), (token) => given[row]?.[token] as number)
    }
  })
  const wanted = inputs.tags.map((tags) => Int32Array.from(judged(tags), (token) => tags[token] as number))
  const got = wanted.map((tags, i) => tags.filter((tag, token) => tag === predictions[i]?.[token]).length)
  const accuracy: Figure = { got, of: wanted.map(({ length }) => length), share: true }
  const f1 = labels && isBio(labels) ? entityFigure(predictions, wanted, labels) : undefined
  return {
    task: 'tokens',
    accuracy: scaledInterval(figureInterval(accuracy), 100),
    f1: f1 && scaledInterval(figureInterval(f1), 100),
    predictions,
    correct: wanted.map((tags, i) => got[i] === tags.length),
    figures: f1 === undefined ? { accuracy } : { f1, accuracy },
    ...run,
  }
}

/** Judged tokens with the dense model's tag, right or wrong. @throws TpError TP_OPTION if the two are not of the same sentences */
export function tokenAgreement(pruned: TokenEvaluation, dense: TokenEvaluation): Figure {
  const [own, reference] = [pruned.predictions, dense.predictions]
  if (own.length !== reference.length || own.some(({ length }, i) => length !== reference[i]?.length)) {
    const counts = `${own.length} and ${reference.length}`
    throw new TpError('TP_OPTION', 'data', `evaluations of ${counts} sentences cannot be compared; evaluate the same`)
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
  wanted: readonly Int32Array[],
  labels: readonly string[],
): Figure {
  const names = (tags: Int32Array): string[] => Array.from(tags, (tag) => labels[tag] ?? 'O')
  const counts = wanted.map((tags, i) => countEntities(names(predictions[i] as Int32Array), names(tags)))
  return {
    got: counts.map(({ hits }) => 2 * hits),
    of: counts.map(({ found, wanted }) => found + wanted),
    share: true,
  }
}

/** The class of each token, by example; −1 where a logit is not a number. @throws TpError TP_OUTPUT */
export function tagsOf({ outputs, feeds, rows }: RanBatch): {
  readonly classes: number
  readonly tags: readonly Int32Array[]
} {
  const { data, dims } = tokenLogits(outputs, feeds, rows)
  const [, tokens, classes] = dims as [number, number, number]
  const tagAt = (row: number, token: number): number => {
    const start = (row * tokens + token) * classes
    return largest((data as Float32Array).subarray(start, start + classes))
  }
  const tags = Array.from({ length: rows }, (_, row) =>
    Int32Array.from({ length: tokens }, (_, token) => tagAt(row, token)),
  )
  return { classes, tags }
}

/** float32 [batch, tokens, classes]: `logits` if it exists, else the only output of that form. */
function tokenLogits(outputs: NamedTensors, feeds: NamedTensors, rows: number): TensorLike {
  const tokens = Object.values(feeds)[0]?.dims[1]
  const isTokenOutput = ({ type, dims }: TensorLike): boolean =>
    type === 'float32' && dims.length === 3 && dims[0] === rows && dims[1] === tokens
  const [output, ...others] = ownOutputs(outputs, 'logits').filter(isTokenOutput)
  if (output !== undefined && others.length === 0) return output
  const seen = Object.entries(outputs).map(([name, { type, dims }]) => `${name} ${type}[${dims}]`)
  const wanted = `one float32 output [${rows}, ${tokens}, classes], a row for every token,`
  const advice = 'a pruned model has one where removed tokens come back (restore)'
  throw new TpError('TP_OUTPUT', 'data', `${wanted} is needed for tags; the model gave ${seen.join(', ')}; ${advice}`)
}

function checkTags(tags: Int32Array, classes: number, source: string, position: number): void {
  const wrong = tags.find((tag) => tag >= classes)
  if (wrong === undefined) return
  const seen = `sentence ${position} has tag ${wrong}, but the model gives ${classes} classes (0…${classes - 1})`
  throw new TpError('TP_DATA', 'data', `${source}: ${seen}`)
}
