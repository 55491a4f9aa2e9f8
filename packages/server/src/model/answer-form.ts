import type { AnswerForm, Session } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'
import { formOfAnswers, type Task } from '@tp/data/outputs'
import { answersIn } from '@tp/metrics'
import { joinRows, type RowForm, rowsOf } from '../engine/row.ts'
import { type TextReading, tokenize } from './texts.ts'

/** Texts whose answers decide, and the most words of each. */
const [TEXTS, WORDS] = [32, 12]

/**
 * The form of the numbers of classes or labels of a model whose graph does not say it, by the answers to random texts: the same ones whenever
 * it is opened, so that all answers are read alike, whatever the first request is.
 * @returns undefined for a model of another task, or that takes no texts
 * @throws TpError those of the run
 */
export async function formByTexts(
  session: Session,
  task: Task | 'states',
  texts: TextReading | string,
  rows: RowForm,
): Promise<AnswerForm | undefined> {
  if ((task !== 'classification' && task !== 'multi-label') || typeof texts === 'string') return undefined
  const numbers: number[] = []
  let classes = 0
  for (const row of await tokenize(randomTexts(), texts.tokenizer, texts.form, { truncate: true })) {
    const outputs = await session.run(joinRows(rows, rowsOf(rows, texts.form.feeds([row]))))
    const answers = answersIn(outputs, 1)
    classes = answers.classes
    numbers.push(...answers.data)
  }
  return formOfAnswers(task, { classes, data: Float32Array.from(numbers) })
}

/** Texts of words of random letters. */
function randomTexts(): string[] {
  const random = randomNumbers(1)
  const upTo = (most: number): number => 1 + Math.floor(random() * most)
  const word = (): string => String.fromCharCode(...Array.from({ length: upTo(8) }, () => 96 + upTo(26)))
  return Array.from({ length: TEXTS }, () => Array.from({ length: upTo(WORDS) }, word).join(' '))
}
