import { accuracyInterval, accuracyLoss, type Interval, medianInterval } from '@tp/eval/metrics'
import { type ModelFolder, openModelFolder } from 'pipeline-models'
import { mean, median } from 'simple-statistics'
import { factor, interval, plusMinus, points } from '../output/numbers.ts'
import type { Findings } from '../report/section.ts'
import { plans } from './plans.ts'
import { type Answer, type Question, type ScriptOptions, startScript } from './script-process.ts'
import { takeTurns } from './take-turns.ts'

export interface Subject {
  readonly model: keyof typeof plans
  readonly task: ScriptOptions['task']
  /** What the examples are. */
  readonly what: string
  readonly examples: readonly { readonly question: Question; readonly label: string }[]
  readonly rounds: number
  add(folder: ModelFolder): Promise<void>
}

interface Row {
  readonly accuracy: Interval
  readonly totalMs: number
  readonly loadMs: number
}

/** The script without and with the import, in turns. */
export async function measure(subject: Subject, onProgress: (text: string) => void): Promise<Findings> {
  const { model, task, examples, rounds } = subject
  await using folder = await openModelFolder()
  await subject.add(folder)
  const options = { task, model, folder: folder.path }
  await using dense = await startScript({ ...options, pruned: false })
  await using pruned = await startScript({ ...options, pruned: true })
  const scripts = [dense, pruned]
  const questions = examples.map(({ question }) => question)
  const onRound = (round: number): void => onProgress(`round ${round + 1} of ${rounds}`)
  const { answers, totals } = await takeTurns(scripts, questions, rounds, onRound)

  const correct = answers.map((given) => given.map(({ label }, i) => label === examples[i]?.label))
  const rows = scripts.map(
    ({ loadMs }, which): Row => ({
      accuracy: accuracyInterval((correct[which] as boolean[]).map(Number)),
      totalMs: median(totals[which] as number[]),
      loadMs,
    }),
  ) as [Row, Row]
  const [first, second] = correct.map((right) => right.map(Number)) as [number[], number[]]
  const loss = accuracyLoss(first, second)
  const agreement = agreementOf(answers as [Answer[], Answer[]])
  const ratios = (totals[0] as number[]).map((total, round) => total / (totals[1]?.[round] as number))
  const speedup = { value: median(ratios), ...medianInterval(ratios) }
  return {
    tables: [tableOf(subject, rows, { loss, agreement, speedup })],
    notes: [
      `Plan: \`${JSON.stringify(plans[model])}\`. The label is the same for ${agreement.same} of ${examples.length}; where it ` +
        `is, its score differs by ${agreement.meanDifference.toFixed(4)} on average and ` +
        `${agreement.largestDifference.toFixed(3)} at most.`,
    ],
    values: { rows, loss, agreement, speedup, totals },
  }
}

interface Compared {
  readonly loss: Interval
  readonly agreement: Agreement
  readonly speedup: { readonly value: number; readonly low: number; readonly high: number }
}

interface Agreement {
  readonly same: number
  /** Of the scores of labels that are the same. */
  readonly meanDifference: number
  readonly largestDifference: number
}

function agreementOf([dense, pruned]: readonly [readonly Answer[], readonly Answer[]]): Agreement {
  const differences = dense.flatMap(({ label, score }, i) => {
    const other = pruned[i] as Answer
    return other.label === label ? [Math.abs(other.score - score)] : []
  })
  const largestDifference = Math.max(...differences)
  return { same: differences.length, meanDifference: mean(differences), largestDifference }
}

function tableOf(
  { what, examples, rounds }: Subject,
  [dense, pruned]: readonly [Row, Row],
  { loss, agreement, speedup }: Compared,
): Findings['tables'][number] {
  const { value, low, high } = speedup
  const cells = ({ accuracy, totalMs, loadMs }: Row): string[] => [
    plusMinus(accuracy),
    (totalMs / 1000).toFixed(2),
    loadMs.toFixed(0),
  ]
  const same = `${((100 * agreement.same) / examples.length).toFixed(1)} %`
  return {
    caption: `${examples.length} ${what} one by one; median of ${rounds} rounds`,
    headings: ['script', 'accuracy', 'total s', 'pipeline() ms', 'loss', 'same label', 'speed-up', 'lowest … highest'],
    rows: [
      ['as it is', ...cells(dense), '', '100.0 %', '1.00×', ''],
      ['with the import', ...cells(pruned), points(loss), same, factor(value), interval({ low, high })],
    ],
  }
}
