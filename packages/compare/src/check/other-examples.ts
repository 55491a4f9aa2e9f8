import { readProvenance } from '@tp/compiler'
import type { TaskData } from '@tp/data'
import { exampleMarks, someExamples, splitMarks } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'

/** Fewer others say too little to judge by, as they would be too few to choose by. */
const FEWEST = 60

/** Data for a verdict on a model, and how many of its examples have chosen the model's plan. */
export interface OtherExamples {
  /** The others alone, where these are enough; else all examples. */
  readonly data: TaskData
  /** Examples that chose; 0 where the model remembers none. */
  readonly chose: number
  /** Whether `data` has none of these. */
  readonly isOfOthers: boolean
}

/** The examples that had no part in the choice of a model's plan, as far as its file remembers those that had. */
export async function otherExamples(model: Model, data: TaskData, batchSize: number): Promise<OtherExamples> {
  const seen = new Set(readProvenance(model).flatMap(({ chosenOn = '' }) => [...splitMarks(chosenOn)]))
  const marks = seen.size === 0 ? undefined : await exampleMarks(data.inputs)
  const others = (marks ?? []).flatMap((mark, row) => (seen.has(mark) ? [] : [row]))
  const chose = (marks ?? []).length - others.length
  const whole = others.length - (others.length % batchSize)
  if (chose === 0 || whole < FEWEST || !isOfRows(data)) return { data, chose, isOfOthers: chose === 0 }
  const inputs = someExamples(data.inputs, others.slice(0, whole))
  return { data: { ...data, inputs } as TaskData, chose, isOfOthers: true }
}

/** Whether examples are judged one by one, and not as candidates of a query, as pairs, or as recordings with their transcripts. */
function isOfRows(data: TaskData): boolean {
  const { ranking, pairs, search } = data.inputs
  const isJudged = data.task === 'embeddings' && data.judged !== undefined
  return data.task !== 'asr' && !isJudged && [ranking, pairs, search].every((each) => each === undefined)
}
