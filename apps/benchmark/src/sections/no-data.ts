import { expectedLosses, largest, logitRowsOf, mean, temperatureOf } from '@tp/metrics'
import type { SubjectName } from '../registry/subjects.ts'
import { percent } from '../report/numbers.ts'
import type { Report, ReportSection } from '../report/section.ts'
import { type TableColumns, tableOf } from '../report/table.ts'
import { type HiddenLabels, openHidden } from '../unlabeled/hidden-labels.ts'
import { type RuleName, type RuleOutcome, rules, trueLosses, tryRules } from '../unlabeled/rules.ts'

const SUBJECTS: readonly SubjectName[] = [
  ...(['mail', 'minilm-sst2', 'minilm-imdb'] as const),
  ...(['digits-vit', 'fashion-vit', 'vit-mnist', 'kwt1'] as const),
]

const LIMITS: readonly number[] = [0.5, 1]

/** Settings that lose more are of no use, and say nothing of the others. */
const MOST = 8

interface Calibration {
  readonly subject: string
  readonly examples: number
  readonly settings: number
  readonly accuracy: number
  readonly temperature: number
  readonly labeled: number
  readonly expected: number
  readonly changed: number
}

const calibration: TableColumns<Calibration> = {
  model: ({ subject }) => subject,
  examples: ({ examples }) => examples.toLocaleString('en-US'),
  settings: ({ settings }) => `${settings}`,
  accuracy: ({ accuracy }) => percent(accuracy),
  temperature: ({ temperature }) => temperature.toFixed(2),
  'loss by labels': ({ labeled }) => labeled.toFixed(2),
  'expected loss': ({ expected }) => expected.toFixed(2),
  'answers changed, in percent': ({ changed }) => changed.toFixed(2),
  'loss by labels for each percent changed': ({ labeled, changed }) => (labeled / changed).toFixed(2),
}

/** Means over the settings that change answers and lose no more than 8 points. */
function calibrationOf(hidden: HiddenLabels): Calibration {
  const { subject, dense, targets, settings } = hidden
  const own = logitRowsOf(dense).map(largest)
  const right = (answers: readonly number[]): number => mean(answers.map((answer, i) => Number(answer === targets[i])))
  const truth = trueLosses(hidden)
  const some = settings.filter(
    ({ answers }, i) => (truth[i] as number) < MOST && answers.some((answer, at) => answer !== own[at]),
  )
  const over = (of: (answers: readonly number[]) => number): number => mean(some.map(({ answers }) => of(answers)))
  return {
    ...{ subject, examples: targets.length, settings: some.length, accuracy: right(own) },
    temperature: temperatureOf(dense, targets),
    labeled: 100 * over((answers) => right(own) - right(answers)),
    expected: over((answers) => mean(expectedLosses(dense, answers))),
    changed: 100 * over((answers) => mean(answers.map((answer, i) => Number(answer !== own[i])))),
  }
}

interface RuleRow {
  readonly subject: string
  readonly limit: number | undefined
  readonly outcomes: Readonly<Record<RuleName, RuleOutcome>>
}

const names = Object.keys(rules) as RuleName[]

const outcomes: TableColumns<RuleRow> = {
  model: ({ subject }) => subject,
  limit: ({ limit }) => (limit === undefined ? '' : `${limit}`),
  ...Object.fromEntries(
    names.map((name) => [
      name,
      ({ outcomes }: RuleRow) => `${outcomes[name].speed.toFixed(2)}, ${percent(outcomes[name].wrong)}`,
    ]),
  ),
}

function meanOf(rows: readonly RuleRow[]): RuleRow {
  const meanFor = (name: RuleName): RuleOutcome => ({
    speed: mean(rows.map(({ outcomes }) => outcomes[name].speed)),
    wrong: mean(rows.map(({ outcomes }) => outcomes[name].wrong)),
  })
  const all = Object.fromEntries(names.map((name) => [name, meanFor(name)])) as RuleRow['outcomes']
  return { subject: 'mean', limit: undefined, outcomes: all }
}

const unlabeled: ReportSection = {
  name: 'unlabeled',
  async run(context) {
    const calibrations: Calibration[] = []
    const rows: RuleRow[] = []
    for (const subject of SUBJECTS) {
      const hidden = await openHidden(context, subject)
      calibrations.push(calibrationOf(hidden))
      context.onProgress(`${subject}, rules`)
      const found = tryRules(hidden, LIMITS)
      for (const [at, limit] of LIMITS.entries()) {
        const own = Object.fromEntries(names.map((name) => [name, found[name][at]])) as RuleRow['outcomes']
        rows.push({ subject, limit, outcomes: own })
      }
    }
    const all = [...rows, meanOf(rows)]
    return {
      tables: [
        tableOf(
          'Points lost, means over settings that change answers and lose no more than 8',
          calibration,
          calibrations,
        ),
        tableOf(
          'Speed relative to the best, and share of wrong choices, by what is compared with the limit',
          outcomes,
          all,
        ),
      ],
      values: { calibrations, rows },
    }
  },
}

/** How far a loss is known without labels. */
export const noData: Report = { name: 'no-data', sections: [unlabeled] }
