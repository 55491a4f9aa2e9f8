import { readChosenOn } from '@tp/compiler'
import type { TaskData } from '@tp/data'
import { exampleMarks, markReader, someExamples } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'

/** Fewer others say too little to judge by, as they would be too few to choose by. */
const FEWEST = 60

/** Data for a verdict on a model, and how many of its examples have chosen the model's plan. */
export interface OtherExamples {
  /** The others alone, where these are enough; else all examples. */
  readonly data: TaskData
  /** Examples that chose, or taught the model; 0 where the model remembers none. */
  readonly chose: number
  /** Whether some of these only may have: the model remembers a sample of the examples that did. */
  readonly isUnsure: boolean
  /** Whether `data` has none of these. */
  readonly isOfOthers: boolean
}

/** The examples that had no part in making a model, as far as its file remembers those that had. */
export async function otherExamples(model: Model, data: TaskData, batchSize: number): Promise<OtherExamples> {
  const readers = readChosenOn(model).map(markReader)
  const marks = readers.length === 0 ? [] : ((await exampleMarks(data.inputs)) ?? [])
  const chose = marks.map((mark) => {
    const all = readers.map((read) => read(mark))
    return all.includes(true) || (all.includes(undefined) ? undefined : false)
  })
  const rowsOf = (answer: boolean | undefined): number[] => [...chose.keys()].filter((row) => chose[row] === answer)
  const [sure, unsure, others] = [rowsOf(true), rowsOf(undefined), rowsOf(false)]
  // Had the unsure ones chosen, so would have some of the many others.
  const isOfOthers = sure.length === 0 && (unsure.length === 0 || others.length >= FEWEST)
  if (isOfOthers) return { data, chose: 0, isUnsure: false, isOfOthers }
  const known = { chose: sure.length + unsure.length, isUnsure: unsure.length > 0 }
  const whole = others.length - (others.length % batchSize)
  if (whole < FEWEST || !isOfRows(data)) return { data, ...known, isOfOthers }
  const inputs = someExamples(data.inputs, others.slice(0, whole))
  return { data: { ...data, inputs } as TaskData, ...known, isOfOthers: true }
}

/** Whether examples are judged one by one, and not as candidates of a query, as pairs, or as recordings with their transcripts. */
function isOfRows(data: TaskData): boolean {
  const { ranking, pairs, search } = data.inputs
  const isJudged = data.task === 'embeddings' && data.judged !== undefined
  return data.task !== 'asr' && !isJudged && [ranking, pairs, search].every((each) => each === undefined)
}
