import type { Evaluation } from '@tp/eval'
import { compareOnShifts, evaluateOnShifts, type ShiftFigures, shiftedSets } from '@tp/eval/shifts'
import { inParallel } from '../measure/parallel.ts'
import { readOnce } from '../measure/read-once.ts'
import { openSubject } from '../measure/subject.ts'
import { dense } from '../measure/variant.ts'
import { factor, plusMinus, points, signed } from '../output/numbers.ts'
import type { Context, Findings } from '../report/section.ts'
import { chooseSettings, type Setting } from './choice.ts'
import type { Place } from './places.ts'

/** A setting on all sets, in distribution first. */
interface Line extends Omit<Setting, 'files'> {
  readonly figures: readonly ShiftFigures[]
}

/** How many examples go through a model at once; they are of like length. */
const BATCH = 4

/** Chooses settings, then measures what they lose in distribution and beyond. */
export async function measureShifts(context: Context, place: Place, name: string): Promise<Findings> {
  const { runtime, onProgress } = context
  const { path, prepare, dataset } = place
  const subject = await openSubject(runtime, { name, path, dataset, prepare })
  const settings = await chooseSettings(context, place, subject)
  onProgress('shifting')
  await using session = await runtime.load(subject.file, { threads: 1 })
  const shiftedOnce = await shiftedSets(dataset, place.shifts, session.inputs, { ...prepare, ...place })
  const sets = shiftedOnce.map((set) => ({ ...set, inputs: readOnce(set.inputs) }))
  const runs = settings.flatMap((setting) => setting.files.map((file) => ({ setting, file })))
  let done = 0
  const answers = async (file: Uint8Array): Promise<Evaluation[]> => {
    await using session = await runtime.load(file, { threads: 1, worker: true })
    const evaluations = await evaluateOnShifts(session, sets, { batchSize: BATCH })
    done += 1
    onProgress(`${done} of ${runs.length + 1} models on ${sets.length} sets`)
    return evaluations
  }
  const [reference, ...evaluations] = (await inParallel([
    () => answers(dense(subject).file),
    ...runs.map(
      ({ file }) =>
        () =>
          answers(file()),
    ),
  ])) as [Evaluation[], ...Evaluation[][]]
  const lines = settings.map((setting): Line => {
    const { files: _, ...about } = setting
    const own = evaluations.filter((_, i) => runs[i]?.setting === setting)
    return { ...about, figures: compareOnShifts(sets, reference, own) }
  })
  return findingsOf(lines, place)
}

function findingsOf(lines: readonly Line[], { calibration, dataset }: Place): Findings {
  const [first] = lines as [Line, ...Line[]]
  const chosen = calibration
    ? `budgets chosen on ${calibration.examples.length} other examples, at one point of loss at most, or the least that any has`
    : 'the budget is fixed, nothing is chosen'
  return {
    tables: [
      {
        caption: `${dataset.examples.length} examples in distribution; ${chosen}; random is the mean of five seeds, at the leanest of these budgets`,
        headings: ['method', 'family', 'budget', 'FLOPs', 'loss where chosen', 'loss in distribution'],
        rows: lines.map((line) => [
          line.name,
          line.family,
          line.budget,
          factor(line.flops),
          line.calibration ? points(line.calibration) : '',
          points((line.figures[0] as ShiftFigures).loss),
        ]),
      },
      tableOf('Loss in points on each set, paired by example', lines, ({ loss }) => points(loss)),
      tableOf('Extra loss: that loss less the one in distribution', lines, ({ extraLoss }) => points(extraLoss), 1),
      tableOf('Percent of the examples with the dense model’s answer, right or wrong', lines, ({ agreement }) =>
        agreement.toFixed(1),
      ),
    ],
    notes: [...lines.map(noteOf), ...sameNote(first)],
    values: { lines },
  }
}

function tableOf(caption: string, lines: readonly Line[], cell: (figures: ShiftFigures) => string, from = 0) {
  const [{ figures }] = lines as [Line, ...Line[]]
  const rows = figures.flatMap((set, i) =>
    i < from || set.unchanged
      ? []
      : [
          [
            set.name,
            `${set.examples}`,
            plusMinus(set.dense),
            ...lines.map((line) => cell(line.figures[i] as ShiftFigures)),
          ],
        ],
  )
  return { caption, headings: ['set', 'examples', 'dense', ...lines.map(({ name }) => name)], rows }
}

/** Where a method loses more than in distribution, or less, beyond what chance explains. */
function noteOf({ name, figures }: Line): string {
  const sets = figures.slice(1).filter(({ unchanged }) => !unchanged)
  const named = (some: readonly ShiftFigures[]): string =>
    some.length === 0 ? 'none' : some.map((set) => `${set.name} (${signed(set.extraLoss.estimate)})`).join(', ')
  const more = sets.filter(({ extraLoss }) => extraLoss.low > 0)
  const less = sets.filter(({ extraLoss }) => extraLoss.high < 0)
  const fewer = less.length === 0 ? '' : `; less on ${named(less)}`
  return `${name}: of ${sets.length} sets it loses more than in distribution on ${named(more)}${fewer}.`
}

function sameNote({ figures }: Line): string[] {
  const same = figures.filter(({ unchanged }) => unchanged)
  if (same.length === 0) return []
  return [
    `The tokenizer is uncased: ${same.map(({ name }) => name).join(', ')} give the same tokens, so nothing changes.`,
  ]
}
