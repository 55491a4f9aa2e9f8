import { prune } from '@tp/compiler'
import { none } from '@tp/core'
import { decodeModel, type Model } from '@tp/onnx'
import { examplesFlops, keptCounts } from '@tp/train'
import type { Subject } from '../measure/subject.ts'
import { points } from '../output/numbers.ts'
import type { Context, Findings, Section } from '../report/section.ts'
import { fineTuning, type LearnedName, learnedMethods, runOf } from './methods.ts'
import { type LearnedFile, learnedFile, type Material } from './runs.ts'
import { openSst2 } from './sst2.ts'
import { type Candidate, type LearnedLine, learnedTable, measureCandidates } from './table.ts'
import { bestTrainingFree, controls, pruned } from './training-free.ts'

export const half: Section = {
  name: 'sst2-half',
  title: 'minilm-sentiment on SST-2 at half of the FLOPs',
  run: (context) => compareLearned(context, 0.5, Object.keys(learnedMethods) as LearnedName[], [0]),
}

export const third: Section = {
  name: 'sst2-third',
  title: 'minilm-sentiment on SST-2 at 0.35 of the FLOPs, three seeds',
  run: (context) => compareLearned(context, 0.35, bestTwo(context), [0, 1, 2]),
}

/** The two learned methods that lost least at half of the FLOPs. */
function bestTwo({ found }: Context): LearnedName[] {
  const lines = (found('sst2-half')?.values as { lines?: LearnedLine[] } | undefined)?.lines ?? []
  const learned = lines.filter(({ name }) => Object.hasOwn(learnedMethods, name))
  return learned
    .sort((a, b) => a.loss.estimate - b.loss.estimate)
    .slice(0, 2)
    .map(({ name }) => name as LearnedName)
}

async function compareLearned(
  context: Context,
  share: number,
  names: readonly LearnedName[],
  seeds: readonly number[],
): Promise<Findings> {
  const { dev, training, selection } = await openSst2(context)
  const { model, file, blocks } = dev
  const material: Material = { model, file, blocks, training, selection }
  const setting = await bestTrainingFree(context, material, share)
  const candidates: Candidate[] = await controls(dev, setting)
  const learned = async (name: string, runs: readonly Parameters<typeof learnedFile>[1][]): Promise<Candidate> => {
    const files: LearnedFile[] = []
    for (const run of runs) files.push(await learnedFile(context, run, material))
    const [first] = files as [LearnedFile]
    const flops = await devShare(context, dev, first)
    const amounts = [...first.schedule].map(([block, { value }]) => `${block}: ${Number(value.toPrecision(2))}`)
    const kind = [...first.schedule.values()][0]?.kind
    return {
      name,
      files: files.map(({ file }) => file),
      flops,
      minutes: first.minutes,
      note: `${kind} ${amounts.join(', ')}`,
    }
  }
  const { method, layers } = setting
  candidates.push(await learned(`${method.name}, fine-tuned`, [fineTuning(method, layers, share)]))
  for (const name of names) candidates.push(await learned(name, seeds.map((seed) => runOf(name, share, seed))))
  const lines = await measureCandidates(context, dev, candidates)
  const free = lines.find(({ name }) => name.endsWith('as it is')) as LearnedLine
  const best = lines
    .filter(({ name }) => Object.hasOwn(learnedMethods, name))
    .reduce((one, other) => (other.loss.estimate < one.loss.estimate ? other : one))
  return {
    tables: [
      {
        caption:
          `${dev.lengths.length} sentences of SST-2's dev set, one by one; FLOPs and speed-up against dense without its dead ` +
          'tokens; what was learned is fitted to the share on the selection set',
        ...learnedTable(lines),
      },
    ],
    notes: [
      `Best learned: ${best.name}, loss ${points(best.loss)}; best without training: ${free.name}, loss ${points(free.loss)}.`,
    ],
    values: { lines },
  }
}

/** Share of the FLOPs on the texts that are reported, of what each of them keeps. */
async function devShare({ runtime }: Context, { model, inputs, lengths }: Subject, { file, traced }: LearnedFile) {
  await using session = await runtime.load(traced, { threads: 1 })
  const kept = await keptCounts(session, inputs, 32)
  const whole: Model = pruned(model, none(), new Map())
  return examplesFlops(decodeModel(file), lengths, kept) / examplesFlops(whole, lengths)
}
