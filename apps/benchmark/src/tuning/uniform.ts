import { type Method, none, schedule } from '@tp/core'
import { compareToDense, type Evaluation, evaluate, someExamples } from '@tp/eval'
import { encodeModel } from '@tp/onnx'
import type { Subject } from '../measure/subject.ts'
import { prunedModel, totalFlops } from '../measure/variant.ts'
import type { Context } from '../report/section.ts'
import { contestants } from './cases.ts'

/** The same share at each of some blocks. */
export interface Uniform {
  readonly method: Method
  readonly keep: number
  readonly layers: readonly number[]
}

const KEEPS = Array.from({ length: 14 }, (_, i) => (95 - 5 * i) / 100)

/**
 * Of each method, with and without a cut in the first block, the smallest share that loses no more than is allowed on the
 * examples, found by halving; of these the one with the fewest FLOPs. What a careful user would do by hand.
 */
export async function bestUniform(context: Context, subject: Subject, maxLoss: number): Promise<Uniform | undefined> {
  const { runtime, onProgress } = context
  const { model, name, blocks, lengths } = subject
  // As many examples as a tuned plan is chosen by.
  const inputs = someExamples(
    subject.inputs,
    subject.inputs.targets.flatMap((_, i) => ([1, 3, 6, 8].includes(i % 10) ? [i] : [])),
  )
  const fileOf = ({ method, keep, layers }: Uniform) =>
    prunedModel(model, { method, schedule: schedule(blocks, { keep, layers }) }, name)
  const answers = async (file: Uint8Array): Promise<Evaluation> => {
    await using session = await runtime.load(file, { threads: 1 })
    return await evaluate(session, inputs, { batchSize: 16, bootstrap: { resamples: 1 } })
  }
  const dense = await answers(encodeModel(prunedModel(model, { method: none(), schedule: new Map() }, name)))
  const all = Array.from({ length: blocks }, (_, block) => block)
  const holding: Uniform[] = []
  for (const { entry } of contestants) {
    for (const layers of [all.slice(1), all]) {
      let [holds, fails] = [-1, KEEPS.length]
      while (fails - holds > 1) {
        const middle = Math.floor((holds + fails) / 2)
        const uniform: Uniform = { method: entry.create(), keep: KEEPS[middle] as number, layers }
        onProgress(`uniform: ${entry.name}, keep ${uniform.keep} from block ${layers[0]}`)
        const { loss } = compareToDense(await answers(encodeModel(fileOf(uniform))), dense)
        if (loss.estimate <= maxLoss) holds = middle
        else fails = middle
      }
      if (holds >= 0) holding.push({ method: entry.create(), keep: KEEPS[holds] as number, layers })
    }
  }
  const flops = (uniform: Uniform): number => totalFlops(fileOf(uniform), lengths)
  return holding.sort((a, b) => flops(a) - flops(b))[0]
}
