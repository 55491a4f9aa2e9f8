import { TpError } from '@tp/core'
import { type AbortSignalLike, type AnswerForm, asLogits, type NamedTensors } from '@tp/core/runtime'
import { type ModelBatch, vectorsOf } from '@tp/data/outputs'
import { answersIn, lengthOf, logitsOf, probabilities, sigmoid } from '@tp/metrics'
import { rowsOf } from '../engine/row.ts'
import type { OpenModel } from './open-model.ts'
import { type Text, tokenize } from './texts.ts'

export interface AskOptions {
  /** Cut texts that are too long, instead of refusing them. */
  readonly truncate: boolean
  readonly signal?: AbortSignalLike | undefined
}

interface Answered<Answer> {
  readonly answers: Answer[]
  /** Of all texts, special ones included. */
  readonly tokens: number
}

/**
 * The outputs of a model for each text.
 * @throws TpError TP_TASK for a model that takes no texts; TP_BUSY, TP_TOO_LONG, TP_ABORTED
 */
export async function askTexts(
  model: OpenModel,
  texts: readonly Text[],
  { truncate, signal }: AskOptions,
): Promise<Answered<NamedTensors>> {
  const { engine, texts: form } = model
  if (typeof form === 'string') throw new TpError('TP_TASK', 'server', `the model takes tensors, no texts: ${form}`)
  const requireRoom = (): void => {
    if (!engine.isFull()) return
    throw new TpError('TP_BUSY', 'server', `${engine.waiting().tokens} tokens wait already; ask again later`)
  }
  const tokens = await tokenize(texts, form.tokenizer, form.form, { truncate, signal, requireRoom })
  const rows = tokens.flatMap((row) => rowsOf(engine.form, form.form.feeds([row])))
  return { answers: await engine.run(rows, { signal }), tokens: tokens.reduce((sum, { ids }) => sum + ids.length, 0) }
}

/** @throws TpError TP_TASK for a model without embeddings; TP_REQUEST for more dimensions than there are; as {@link askTexts} */
export async function embedTexts(
  model: OpenModel,
  texts: readonly Text[],
  {
    normalize,
    dimensions,
    ...options
  }: AskOptions & { readonly normalize: boolean; readonly dimensions?: number | undefined },
): Promise<Answered<Float32Array>> {
  const { vectors } = model
  if (vectors === undefined) throw wrongTask(model, 'embeddings')
  const { answers, tokens } = await askTexts(model, texts, options)
  const answer = (outputs: NamedTensors): Float32Array => {
    const [whole] = vectorsOf(ofOne(outputs), vectors.pooling, vectors.output) as [Float64Array]
    if (dimensions !== undefined && dimensions > whole.length) {
      const seen = `dimensions is ${dimensions}, and the model's vectors have ${whole.length}`
      throw new TpError('TP_REQUEST', 'server', seen)
    }
    const vector = whole.subarray(0, dimensions)
    const length = normalize ? lengthOf(vector) : 1
    return Float32Array.from(vector, (value) => (length > 0 ? value / length : value))
  }
  return { answers: answers.map(answer), tokens }
}

/**
 * The logits of each text, or their probabilities (softmax; of one logit, and of each of several labels, its sigmoid); estimates as they are.
 * @throws TpError TP_TASK for a model that does not classify; as {@link askTexts}
 */
export async function classifyTexts(
  model: OpenModel,
  texts: readonly Text[],
  { raw, ...options }: AskOptions & { readonly raw: boolean },
): Promise<Answered<number[]>> {
  const { task } = model
  if (!givesNumbers(model)) throw wrongTask(model, 'classes')
  const { answers, tokens } = await askTexts(model, texts, options)
  const answer = (outputs: NamedTensors): number[] => {
    const own = ofOne(outputs).outputs
    // Estimates are numbers as they are, and labels exclude each other no more than they add up.
    const isEach = task === 'regression' || task === 'multi-label'
    const { data } = isEach ? answersIn(own, 1) : logitsOf(own, 1, model.answerForm)
    if (data.length === 0 || data.some(Number.isNaN))
      throw new TpError('TP_OUTPUT', 'server', "the model's answer is not a number")
    if (task === 'regression') return [...data]
    if (task === 'multi-label') return eachLabel(data, model.answerForm, raw)
    const classes = Array.from(raw ? data : probabilities(data))
    // Of one logit the class that it is for.
    return task === 'ranking' ? classes.slice(1) : classes
  }
  return { answers: answers.map(answer), tokens }
}

/** Whether a model gives numbers for a text: of classes, labels or one to rank or estimate by. */
export function givesNumbers({ task }: Pick<OpenModel, 'task'>): boolean {
  return task === 'classification' || task === 'multi-label' || task === 'ranking' || task === 'regression'
}

/** The logit of each label, or its probability. */
function eachLabel(numbers: Float32Array, form: AnswerForm = 'logits', raw: boolean): number[] {
  const logits = asLogits(numbers, form)
  return Array.from(logits, (logit) => (raw ? logit : sigmoid(logit)))
}

/** The outputs of one text as a batch. */
function ofOne(outputs: NamedTensors): ModelBatch {
  const whole = Object.entries(outputs).map(([name, tensor]) => [name, { ...tensor, dims: [1, ...tensor.dims] }])
  return { feeds: {}, outputs: Object.fromEntries(whole), rows: 1 }
}

/** One score for each text with a query, higher for a better one. @throws TpError TP_TASK for a model of several logits; as {@link askTexts} */
export async function rankTexts(
  model: OpenModel,
  query: string,
  texts: readonly string[],
  options: AskOptions & { readonly raw: boolean },
): Promise<Answered<number>> {
  if (model.task !== 'ranking') throw wrongTask(model, 'one score for a pair of texts')
  const pairs = texts.map((text): Text => [query, text])
  const { answers, tokens } = await classifyTexts(model, pairs, options)
  return { answers: answers.map(([score]) => score as number), tokens }
}

function wrongTask({ session: { outputs }, task }: OpenModel, expected: string): TpError {
  const seen = outputs.map(({ name, dims }) => `${name} [${dims}]`)
  return new TpError(
    'TP_TASK',
    'server',
    `the model gives no ${expected}: by its outputs ${seen.join(', ')} its task is ${task}`,
  )
}
