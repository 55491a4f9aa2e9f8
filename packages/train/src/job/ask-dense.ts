import { type ModelInputs, someExamples } from '@tp/data/inputs'
import type { WorkDone } from '../training-work.ts'
import type { DenseAnswers } from './dense-answers.ts'

/** Examples of one stored answer: what an interruption loses at most. */
const AT_ONCE = 512

/** Numbers for some examples, as many for each; reports how many of them are done. */
type Compute = (examples: ModelInputs, onProgress: (at: { readonly done: number }) => void) => Promise<Float32Array>

/** Answers of the dense model to all examples; those that are known are not computed again. */
export async function askDense(
  inputs: ModelInputs,
  compute: Compute,
  { answers, onProgress }: { readonly answers: DenseAnswers; readonly onProgress: (at: WorkDone) => void },
): Promise<Float32Array> {
  const total = inputs.targets.length
  let all: Float32Array | undefined
  for (let first = 0; first < total; first += AT_ONCE) {
    // Candidates of one query have to be together.
    const count = inputs.ranking === undefined ? Math.min(AT_ONCE, total - first) : total
    const rows = Array.from({ length: count }, (_, i) => first + i)
    const report = ({ done }: { readonly done: number }): void => onProgress({ done: first + done, total })
    // Labels are checked by whoever uses them, with the numbers that examples have among all.
    const own = count === total ? inputs : { ...someExamples(inputs, rows), targets: rows.map(() => 0) }
    const name = `teacher from ${first}`
    const part = await answers.of(name, () => compute(own, report))
    const width = part.length / count
    all ??= new Float32Array(width * total)
    all.set(part, first * width)
    answers.moved(name, all.subarray(first * width, (first + count) * width))
    if (count === total) break
  }
  return all ?? new Float32Array()
}
