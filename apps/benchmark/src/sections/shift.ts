import type { Evaluation } from '@tp/eval'
import type { Dataset } from '@tp/eval/inputs'
import {
  compareOnShifts,
  evaluateOnShifts,
  namedShift,
  type Shift,
  type ShiftFigures,
  shiftedSets,
  shiftSuite,
} from '@tp/eval/shifts'
import { encodeModel } from '@tp/onnx'
import { show } from '../measure/columns.ts'
import { type Candidate, candidate, chance, inParallel, measure, type Row } from '../measure/measure.ts'
import { prepare } from '../measure/prepare.ts'
import { openSubject, readOnce, type Subject } from '../measure/subject.ts'
import { sentencesElsewhere } from '../registry/data.ts'
import { methodOf } from '../registry/methods.ts'
import { type Budget, DENSE, type MethodChoice, type PrunedSetting, pruned } from '../registry/settings.ts'
import { dataOf, type SubjectForm, subjects } from '../registry/subjects.ts'
import { points } from '../report/numbers.ts'
import type { Context, Report, Section } from '../report/section.ts'
import { type Columns, tableOf } from '../report/table.ts'
import { openSst2 } from '../training/material.ts'
import { runOf } from '../training/methods.ts'
import { sdtpOfReviews, sdtpOfSentences } from '../training/networks.ts'
import { learnOnce } from '../training/runs.ts'

/** A model with data like those that it has learned from, and what shifts them. */
interface Shifting {
  readonly form: SubjectForm
  readonly examples: number
  /** Number of examples to choose budgets on; without it the first budget is used. */
  readonly calibration?: number
  readonly shifts: readonly Shift[]
  readonly others?: () => Promise<Readonly<Record<string, Dataset>>>
  readonly lengthBins?: number
  /** Keep ratios, the smallest last. */
  readonly keeps?: readonly number[]
  /** What has been trained: methods for any budget, and candidates with a budget of their own. */
  readonly trained?: (context: Context) => Promise<readonly (MethodChoice | Candidate)[]>
}

/** Two that score by attention, and one that merges. */
const untrained: readonly MethodChoice[] = ['received-attention', 'balanced', 'tome'].map((method) => ({ method }))

const KEEPS = [0.95, 0.9, 0.85, 0.8, 0.7]

/** Half of the FLOPs saves a third of the time on sentences. */
const SHARE = 0.5

async function trainedOnSentences(context: Context): Promise<readonly (MethodChoice | Candidate)[]> {
  const learnable = await openSst2(context)
  const run = runOf('tr-bert', SHARE)
  await learnOnce(context, run, learnable.material)
  return [await sdtpOfSentences(context, learnable), candidate({ kind: 'learned', file: run.key })]
}

const texts = { lengthBins: 4, keeps: KEEPS }

const all: Readonly<Record<string, Shifting>> = {
  /** A hundred sounds are too few to choose by as well. */
  kwt1: { form: subjects.kwt1, examples: 100, shifts: shiftSuite('audio'), keeps: [0.8] },
  'digits-vit': { form: subjects['digits-mnist'], examples: 500, calibration: 500, shifts: shiftSuite('image') },
  'fashion-vit': { form: subjects['fashion-vit'], examples: 500, calibration: 500, shifts: shiftSuite('image') },
  sst2: {
    ...texts,
    form: subjects['minilm-sst2'],
    examples: 500,
    calibration: 500,
    // Where nothing is cut off, it matters little on which side padding stands.
    shifts: shiftSuite('text').filter(({ name }) => !/^padding-(before|after)/.test(name)),
    others: sentencesElsewhere,
    trained: trainedOnSentences,
  },
  imdb: {
    ...texts,
    form: subjects['minilm-imdb'],
    // A review takes as long as ten sentences do.
    examples: 400,
    calibration: 400,
    shifts: [
      namedShift('text', 'typos', 3),
      // At the second severity, twice as many words, most reviews still fit into 512 tokens.
      ...['before', 'around'].map((where) => namedShift('text', `padding-${where}`, 2)),
    ],
    trained: async (context) => [await sdtpOfReviews(context)],
  },
}

const ALLOWED = 1

/**
 * Each method at the least that it can keep for one point on calibration data (where none of its budgets is so good, the
 * one that loses least), what has learned one budget, and random tokens at the leanest of the budgets.
 */
async function candidatesOf(context: Context, shifting: Shifting) {
  const { form, calibration, keeps = KEEPS } = shifting
  const budgets = keeps.map((keep): Budget => ({ keep, layers: form.gradual }))
  const trained = (await shifting.trained?.(context)) ?? []
  const methods = [...untrained, ...trained.filter((one) => 'method' in one)]
  const tried = methods.map((method) => budgets.map((budget) => candidate(pruned(method, budget))))
  const rows =
    calibration === undefined
      ? []
      : await measure(context, await openSubject(context, form, 'calibration', calibration), [
          candidate(DENSE),
          ...tried.flat(),
        ])
  const chosen = tried.map((own): Candidate => {
    const settings = own.map(({ settings }) => settings)
    return best(rows.filter((row) => settings.includes(row.settings))) ?? (own[0] as Candidate)
  })
  const which = chosen.map(({ settings: [setting] }) => budgets.indexOf((setting as PrunedSetting).budget))
  const leanest = budgets[Math.max(...which)] as Budget
  const candidates = [...chosen, ...trained.filter((one) => 'settings' in one)]
  return { candidates: [...candidates, chance(leanest)], chosenBy: rows }
}

/** @param rows the fewest tokens last */
function best(rows: readonly Row[]): Row | undefined {
  const within = rows.findLast(({ loss }) => loss.estimate <= ALLOWED)
  return within ?? rows.toSorted((a, b) => a.loss.estimate - b.loss.estimate)[0]
}

interface Line extends Row {
  readonly chosenBy: Row | undefined
  /** By set, in distribution first. */
  readonly figures: readonly ShiftFigures[]
}

const FAMILIES = {
  attention: 'attention',
  gradient: 'gradient',
  reinforcement: 'reinforcement',
  hybrid: 'merging',
  baseline: 'control',
}

function familyOf({ name }: Row): string {
  return FAMILIES[methodOf({ method: name }).family]
}

/** Chooses settings, then measures what they lose in distribution and beyond. */
function section(name: string, shifting: Shifting): Section {
  return {
    name,
    async run(context) {
      const { form, examples, calibration } = shifting
      const subject = await openSubject(context, form, 'test', examples)
      const { candidates, chosenBy } = await candidatesOf(context, shifting)
      const rows = (await measure(context, subject, [candidate(DENSE), ...candidates])).slice(1)
      const figures = await figuresOf(context, shifting, subject, candidates)
      const lines = rows.map((row, i): Line => {
        const own = chosenBy.find(({ settings }) => settings === row.settings)
        return { ...row, chosenBy: own, figures: figures[i] as ShiftFigures[] }
      })
      const columns: Columns<Line> = {
        ...show.method,
        family: familyOf,
        ...show.budget,
        ...show.flops,
        'loss where chosen': ({ chosenBy: own }) => (own ? points(own.loss) : ''),
        'loss in distribution': ({ figures: [own] }) => points((own as ShiftFigures).loss),
      }
      const chosen = calibration
        ? `budgets chosen on ${calibration} other examples, at one point of loss at most, or the least that any has`
        : 'the budget is fixed, nothing is chosen'
      return {
        tables: [
          tableOf(
            `${subject.lengths.length} examples in distribution; ${chosen}; random: five seeds at the leanest budget`,
            columns,
            lines,
          ),
          setTable('Loss in points on each set, paired by example', lines, ({ loss }) => points(loss)),
          setTable(
            'Extra loss: that loss less the one in distribution',
            lines,
            ({ extraLoss }) => points(extraLoss),
            1,
          ),
          setTable('Percent of the examples with the dense model’s answer, right or wrong', lines, ({ agreement }) =>
            agreement.toFixed(1),
          ),
        ],
        values: { lines: lines.map(({ correct: _, ...line }) => line) },
      }
    },
  }
}

async function figuresOf(
  { runtime, onProgress, shared }: Context,
  { form, examples, shifts, others, lengthBins = 0 }: Shifting,
  subject: Subject,
  candidates: readonly Candidate[],
): Promise<ShiftFigures[][]> {
  const files = { runtime, shared }
  await using session = await runtime.load(subject.file, { threads: 1 })
  const options = { ...(await form.prepare(files)), lengthBins, others: (await others?.()) ?? {} }
  const shifted = await shiftedSets(await dataOf(form, files, 'test', examples), shifts, session.inputs, options)
  const sets = shifted.map((set) => ({ ...set, inputs: readOnce(set.inputs) }))
  const runs = [candidate(DENSE), ...candidates].flatMap((own) => own.settings.map((setting) => ({ own, setting })))
  const [reference, ...evaluations] = (await inParallel(
    runs.map(({ setting }) => async () => {
      const { model } = await prepare(subject, setting)
      await using session = await runtime.load(encodeModel(model), { threads: 1, worker: true })
      return await evaluateOnShifts(session, sets, { batchSize: 4 })
    }),
    (done) => onProgress(`${done} of ${runs.length} models on ${sets.length} sets`),
  )) as [Evaluation[], ...Evaluation[][]]
  return candidates.map((own) =>
    compareOnShifts(
      sets,
      reference,
      evaluations.filter((_, i) => runs[i + 1]?.own === own),
    ),
  )
}

/** Sets that the tokenizer makes the same tokens of are marked, not repeated. */
function setTable(caption: string, lines: readonly Line[], cell: (figures: ShiftFigures) => string, from = 0) {
  const [{ figures }] = lines as [Line, ...Line[]]
  const rows = figures.flatMap((set, i) => {
    if (i < from) return []
    const cells = lines.map((line) => (set.unchanged ? 'same tokens' : cell(line.figures[i] as ShiftFigures)))
    return [[set.name, `${set.examples}`, points(set.dense), ...cells]]
  })
  return { caption, headings: ['set', 'examples', 'accuracy of dense', ...lines.map(({ name }) => name)], rows }
}

export const shift: Report = {
  name: 'shift',
  sections: Object.entries(all).map(([name, shifting]) => section(name, shifting)),
}
