import type { AnswerForm } from '@tp/core/runtime'
import { answerHead } from '../outputs/answer-form.ts'
import { readModel } from './model-file.ts'

/** The form of a model's answers, by its file; undefined where its graph, or a file that is missing, does not say it. */
export async function answerFormIn(modelPath: string): Promise<AnswerForm | undefined> {
  // The runtime that opens it refuses a broken file.
  const file = await readModel(modelPath).catch(() => undefined)
  return file && answerHead(file.model)?.form
}
