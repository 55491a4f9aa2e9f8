import type { ModelInputs } from '@tp/eval/inputs'
import type { Subject } from '../measure/subject.ts'
import { points } from '../output/numbers.ts'
import type { Context, Findings } from '../report/section.ts'
import { type LearnedFile, type LearnedRun, learnedFile, type Material } from './runs.ts'
import { type Candidate, type LearnedLine, learnedTable, measureCandidates } from './table.ts'
import { bestTrainingFree, controls, type Setting, type TrainingFree } from './training-free.ts'
import { whatItKeeps } from './what-it-keeps.ts'

export interface LearnedComparison {
  /** What is reported on. */
  readonly subject: Subject
  /** What is learned from, and what settings are chosen by. */
  readonly split: { readonly training: ModelInputs; readonly selection: ModelInputs }
  readonly share: number
  readonly trainingFree: TrainingFree
  /** The best training-free setting, with the encoder learning as long as the others do. */
  readonly fineTuning: (setting: Setting) => LearnedRun
  /** Trainings of each method, one a seed. */
  readonly runs: readonly { readonly name: string; readonly runs: readonly LearnedRun[] }[]
  /** What is reported on, in words. */
  readonly about: string
}

/** Dense, controls, what needs no training, the same fine-tuned, and what is learned, at a share of the FLOPs. */
export async function compareLearned(context: Context, comparison: LearnedComparison): Promise<Findings> {
  const { subject, split, share, trainingFree, fineTuning, runs, about } = comparison
  const { model, file, layerCount } = subject
  const material: Material = { model, file, layerCount, ...split }
  const setting = await bestTrainingFree(context, material, share, trainingFree)
  const candidates: Candidate[] = await controls(subject, setting)
  const tuned = { name: `${setting.method.name}, fine-tuned`, runs: [fineTuning(setting)] }
  for (const { name, runs: own } of [tuned, ...runs]) {
    const files: LearnedFile[] = []
    for (const run of own) files.push(await learnedFile(context, run, material))
    const [first] = files as [LearnedFile]
    candidates.push({
      name,
      files: files.map(({ file }) => file),
      flops: (await whatItKeeps(context, subject, first)).flops,
      minutes: first.minutes,
      note: scheduleText(first),
    })
  }
  const lines = await measureCandidates(context, subject, candidates)
  const free = lines.find(({ name }) => name.endsWith('as it is')) as LearnedLine
  const learned = lines.filter(({ name }) => runs.some((run) => run.name === name))
  const best = learned.reduce((one, other) => (other.loss.estimate < one.loss.estimate ? other : one))
  const dense = (lines[0] as LearnedLine).accuracy.estimate.toFixed(1)
  return {
    tables: [
      {
        caption:
          `${about}, one by one, dense ${dense} %; FLOPs and speed-up against dense without its dead tokens, amounts fitted to ` +
          `${share} of the FLOPs where settings are chosen`,
        ...learnedTable(lines),
      },
    ],
    notes: [
      `Best learned: ${best.name}, loss ${points(best.loss)}. Best without training: ${free.name}, loss ${points(free.loss)}.`,
    ],
    values: { lines },
  }
}

/** `threshold 1: 0.018, 2: 0.017` */
function scheduleText({ schedule }: LearnedFile): string {
  const amounts = [...schedule].map(([layer, { value }]) => `${layer}: ${Number(value.toPrecision(2))}`)
  return `${[...schedule.values()][0]?.kind} ${amounts.join(', ')}`
}
