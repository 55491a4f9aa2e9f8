import type { Evaluation } from '@tp/eval'
import type { ModelInputs } from '@tp/eval/inputs'
import { accuracyInterval, type Interval, type Speedup, type VariantLatency } from '@tp/eval/metrics'
import { behind } from '../measure/compare.ts'
import { evaluateFile, inParallel } from '../measure/parallel.ts'
import { stratifiedSample } from '../measure/sample.ts'
import type { Subject } from '../measure/subject.ts'
import { timeFiles } from '../measure/time-files.ts'
import { factor, plusMinus, points } from '../output/numbers.ts'
import type { Table } from '../output/table.ts'
import type { Context } from '../report/section.ts'

/** A row before it is measured. */
export interface Candidate {
  readonly name: string
  /** One, or one for each seed. */
  readonly files: readonly Uint8Array[]
  /** Other inputs than all others have. */
  readonly inputs?: ModelInputs
  /** Share of the FLOPs of dense without its dead tokens, on the texts that are reported. */
  readonly flops: number
  /** Of training, for one seed. */
  readonly minutes?: number
  readonly note?: string
}

/** A row of the table. */
export interface LearnedLine extends Pick<Candidate, 'name' | 'flops'> {
  readonly minutes: number | undefined
  readonly note: string | undefined
  /** Percent, over the seeds, with 95 % interval. */
  readonly accuracy: Interval
  readonly seeds: readonly number[]
  /** Points behind dense, paired by example. */
  readonly loss: Interval
  /** Over dense without its dead tokens, one example at a time. */
  readonly speedup: Speedup
  /** How often each example is answered right, over the seeds. */
  readonly correct: readonly number[]
}

const TIMED = { examples: 32, budgetMs: 60_000, rounds: 200 } as const

/** Right answers on all texts, then time on some, in turns and on one thread; the first candidate is what others are compared with. */
export async function measureCandidates(
  { runtime, onProgress }: Context,
  subject: Subject,
  candidates: readonly Candidate[],
): Promise<LearnedLine[]> {
  onProgress(`${candidates.length} models on ${subject.lengths.length} texts`)
  const runs = candidates.flatMap(({ files, inputs = subject.inputs }, i) =>
    files.map((file) => async () => ({ i, own: await evaluateFile(runtime, file, inputs) })),
  )
  const evaluations = await inParallel(runs)
  const rightBy = candidates.map((_, i) => {
    const own = evaluations.filter((one) => one.i === i).map((one) => one.own)
    return { correct: shareRight(own), seeds: own.map(({ accuracy }) => accuracy.estimate) }
  })
  onProgress('timing, one thread')
  const positions = stratifiedSample(subject.lengths, TIMED.examples)
  const feeds = (inputs: ModelInputs) => Promise.all(positions.map((position) => inputs.feeds([position])))
  const inputsOf: Record<string, Awaited<ReturnType<typeof feeds>>> = {}
  for (const { name, inputs } of candidates) if (inputs !== undefined) inputsOf[name] = await feeds(inputs)
  const files = Object.fromEntries(candidates.map(({ name, files }) => [name, files[0] as Uint8Array]))
  const { variants } = await timeFiles(runtime, files, await feeds(subject.inputs), { ...TIMED, inputsOf })
  const reference = rightBy[0]?.correct as number[]
  return candidates.map(({ name, flops, minutes, note }, i) => {
    const { correct, seeds } = rightBy[i] as { correct: number[]; seeds: number[] }
    return {
      ...{ name, flops, minutes, note, correct, seeds },
      accuracy: accuracyInterval(correct),
      loss: behind(reference, correct),
      speedup: (variants[name] as VariantLatency).speedup,
    }
  })
}

function shareRight(evaluations: readonly Evaluation[]): number[] {
  const [first] = evaluations as [Evaluation]
  return first.correct.map((_, i) => evaluations.filter(({ correct }) => correct[i]).length / evaluations.length)
}

export function learnedTable(lines: readonly LearnedLine[]): Table {
  const spread = (seeds: readonly number[]): string =>
    seeds.length < 2 ? '' : `${Math.min(...seeds).toFixed(1)} … ${Math.max(...seeds).toFixed(1)}`
  return {
    headings: ['method', 'FLOPs', 'accuracy', 'seeds', 'loss', 'speed-up', 'training', ''],
    rows: lines.map(({ name, flops, accuracy, seeds, loss, speedup, minutes, note = '' }) => [
      name,
      flops.toFixed(3),
      plusMinus(accuracy),
      spread(seeds),
      points(loss),
      factor(speedup.value),
      minutes === undefined ? '–' : `${minutes.toFixed(0)} min`,
      note,
    ]),
  }
}
