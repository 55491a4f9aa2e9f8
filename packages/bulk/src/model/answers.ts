import { TpError } from '@tp/core'
import type { AnswerForm } from '@tp/core/runtime'
import type { Pooling } from '@tp/data'
import { formOfAnswers, labelsOf, type ModelBatch, tagsOf, vectorsOf } from '@tp/data/outputs'
import {
  answersIn,
  classLogits,
  type Logits,
  largest,
  lengthOf,
  logitRowsOf,
  probabilities,
  scoresOf,
  sigmoid,
} from '@tp/metrics'
import type { Column } from '../output/column.ts'
import type { BulkTask, ComputeSpec } from './compute-spec.ts'

/** A taker of the answers to many texts, which come batch by batch. */
export interface AnswerTaker {
  /** @param positions of the batch's texts among all; examples beyond them are none @throws TpError TP_OUTPUT */
  take(positions: readonly number[], batch: ModelBatch): void
}

export interface CollectedAnswers extends AnswerTaker {
  columns(): Column[]
}

interface FormFinder extends AnswerTaker {
  form(): AnswerForm
}

/** Of texts as words: by text and token the number of the word that begins there, negative where none does. */
export interface Words {
  readonly of: readonly Int32Array[]
  readonly counts: readonly number[]
}

/** The answers of a task to so many texts. */
export function answersOf(
  { task, labels, answerForm: form }: ComputeSpec,
  pooling: Pooling | undefined,
  count: number,
  words?: Words,
): CollectedAnswers {
  const name = (label: number): string => {
    if (label < 0) throw new TpError('TP_OUTPUT', 'bulk', 'the model gave a logit that is not a number')
    return labels?.[label] ?? `${label}`
  }
  const scores = (values: readonly number[]): Column => ({
    name: 'score',
    kind: 'number',
    values: Float32Array.from(values),
  })
  if (task === 'classification') {
    return collect(count, numbersOf, (numbers) => {
      const classes = classesOf(numbers, form)
      return [
        { name: 'label', kind: 'text', values: classes.map(({ label }) => name(label)) },
        scores(classes.map(({ score }) => score)),
      ]
    })
  }
  if (task === 'multi-label') return labelSets(form, count, name)
  if (task === 'ranking')
    return collect(
      count,
      ({ outputs, rows }) => scoresOf(outputs, rows),
      (values) => [scores(values)],
    )
  if (task === 'embeddings')
    return collect(
      count,
      (batch) => vectorsOf(batch, pooling?.of).map((vector) => ofLength(vector, pooling?.isNormalized ?? true)),
      (values) => [{ name: 'embedding', kind: 'vector', values }],
    )
  const { of: wordOf = [], counts = [] } = words ?? {}
  return collect(
    count,
    (batch) => tagsOf(batch).tags,
    (tags) => {
      const values = tags.map((own, text) => {
        const named = new Array<string | null>(counts[text] as number).fill(null)
        for (const [token, word] of (wordOf[text] as Int32Array).entries())
          if (word >= 0) named[word] = name(own[token] as number)
        return named
      })
      return [{ name: 'tags', kind: 'texts', values }]
    },
  )
}

/** Finds the form of the numbers of classes, or of labels, by the answers to so many texts. */
export function formFinder(task: BulkTask, count: number): FormFinder {
  const numbers = new Array<Float32Array>(count)
  return {
    take: taker(numbers, numbersOf),
    form: () => formOfAnswers(task, joined(numbers)),
  }
}

function collect<T>(
  count: number,
  read: (batch: ModelBatch) => ArrayLike<T>,
  columns: (answers: readonly T[]) => Column[],
): CollectedAnswers {
  const answers = new Array<T>(count)
  return { take: taker(answers, read), columns: () => columns(answers) }
}

function taker<T>(answers: T[], read: (batch: ModelBatch) => ArrayLike<T>): AnswerTaker['take'] {
  return (positions, batch) => {
    const own = read(batch)
    for (const [row, position] of positions.entries()) answers[position] = own[row] as T
  }
}

/** The labels of each text that hold, and the probabilities of all labels. */
function labelSets(form: AnswerForm | null, count: number, name: (label: number) => string): CollectedAnswers {
  const read = (batch: ModelBatch): readonly { readonly labels: string[]; readonly scores: Float32Array }[] => {
    const { tags, logitsAt } = labelsOf(answersIn(batch.outputs, batch.rows), form ?? 'logits')
    return tags.map((own, row) => ({
      labels: Array.from(own).flatMap((tag, label) => (tag === 0 ? [] : [name(tag < 0 ? tag : label)])),
      scores: Float32Array.from(own, (_, label) => sigmoid(logitsAt(row, label)[1] as number)),
    }))
  }
  return collect(count, read, (answers) => [
    { name: 'labels', kind: 'texts', values: answers.map(({ labels }) => labels) },
    { name: 'scores', kind: 'vector', values: answers.map(({ scores }) => scores) },
  ])
}

/** The numbers of each text, as the model gives them. */
function numbersOf({ outputs, rows }: ModelBatch): Float32Array[] {
  const { classes, data } = answersIn(outputs, rows)
  // Copies: the output is that of one batch.
  return Array.from({ length: rows }, (_, row) => data.slice(row * classes, (row + 1) * classes))
}

function joined(numbers: readonly Float32Array[]): Logits {
  const classes = numbers[0]?.length ?? 1
  const data = new Float32Array(numbers.length * classes)
  for (const [row, own] of numbers.entries()) data.set(own, row * classes)
  return { classes, data }
}

/** Class and its probability. One logit is that of class 1 against class 0. */
function classesOf(
  numbers: readonly Float32Array[],
  form: AnswerForm | null,
): { readonly label: number; readonly score: number }[] {
  const { classes, data: logits } = classLogits(joined(numbers), form ?? undefined)
  return logitRowsOf({ logits, classes }).map((row) => {
    const label = largest(row)
    return { label, score: probabilities(row)[label] ?? Number.NaN }
  })
}

function ofLength(vector: Float64Array, isNormalized: boolean): Float32Array {
  const length = isNormalized ? lengthOf(vector) : 1
  return Float32Array.from(vector, (value) => (length > 0 ? value / length : value))
}
