import { points, processorMs, verdictOf } from '@tp/compare'
import { busyNote, machineLoad } from '../measure/busy.ts'
import { lineColumns } from '../measure/columns.ts'
import { candidate, chance, kept, type MeasuredCandidate, measureTimed, type TimedRow } from '../measure/measure.ts'
import { openSubject } from '../measure/subject.ts'
import { DENSE, NONE, pruned, type SettingBudget } from '../registry/settings.ts'
import { type SubjectName, subjects } from '../registry/subjects.ts'
import type { Report, ReportSection } from '../report/section.ts'
import { tableOf } from '../report/table.ts'

interface Case {
  readonly subject: SubjectName
  readonly title: string
  readonly methods: readonly string[]
  readonly budgets: readonly SettingBudget[]
  /** Examples that are timed one by one: of one length few are enough. */
  readonly timed: number
  readonly budgetMs: number
}

const cases: readonly Case[] = [
  {
    subject: 'clauses',
    title: 'clauses 4×128',
    methods: ['cls-attention', 'value-aware', 'received-attention'],
    /**
     * Once in the first layer, chosen on the calibration and dev splits (653 passages, dense 93.3 %), where the difference is
     * large and the loss within a point. Losses there in points against dense, class attention | random (mean of 5 seeds):
     *
     *   keep 0.1    −0.2 (−1.4 … 1.1) | 3.7 (1.9 … 5.5)      keep 0.05   0.8 (−0.7 … 2.3) | 7.3 (5.3 … 9.2)
     *   keep 0.07    0.0 (−1.3 … 1.3) | 5.0 (3.1 … 6.8)      keep 0.03   0.5 (−1.0 … 2.0) | 8.6 (6.5 … 10.6)
     */
    budgets: [{ keep: 0.05, layers: [0] }],
    timed: 12,
    budgetMs: 4000,
  },
  {
    subject: 'mail',
    title: 'mail 6×128',
    methods: ['received-attention', 'cls-attention', 'value-weighted'],
    /**
     * The counter-example: a mail says the same many times over, and random tokens keep up. Once in the first layer, chosen on
     * the calibration and dev splits (1,154 mails, dense 98.6 %). Losses there in points against dense, received attention |
     * random (mean of 5 seeds, 95 % interval):
     *
     *   keep 0.3   −0.4 | 0.1 (−0.1 … 0.3)      keep 0.05   0.3 | 0.4 (0.0 … 0.7)
     *   keep 0.1   −0.4 | 0.2 (−0.1 … 0.6)      keep 0.03   0.1 | 0.8 (0.4 … 1.1)
     *   keep 0.07  −0.3 | 0.3 (0.0 … 0.7)       keep 0.02   0.7 | 0.9 (0.5 … 1.3)
     *
     * After the second layer any three tokens of a mail do (random 0.0).
     */
    budgets: [{ keep: 0.1, layers: [0] }],
    timed: 12,
    budgetMs: 4000,
  },
  {
    subject: 'digits-vit',
    title: 'digits-vit 6×64',
    methods: ['received-attention', 'cls-attention', 'value-weighted'],
    /**
     * Once in the second layer: on the calibration split (500 images, dense 98.2 %) it loses less than the same FLOPs
     * spread over the layers (received attention, FLOPs 1.7×: 0.2 points, against 1.0 with 0.8 in each layer but the first),
     * and it is cheaper to compute. The ratio is between 0.6 (loss 0.2) and 0.5 (0.4), which 500 images hardly tell apart;
     * on the 8,487 that the model was trained on it is 0.2, 0.3 and 0.5 points at 0.6, 0.55 and 0.5, and random loses 1 to 3.
     */
    budgets: [{ keep: 0.55, layers: [1] }],
    timed: 6,
    budgetMs: 2000,
  },
]

/** The methods at each budget, next to random tokens and what takes tokens away without a score. */
export function candidatesOf({
  subject,
  methods,
  budgets,
}: Pick<Case, 'subject' | 'methods' | 'budgets'>): MeasuredCandidate[] {
  const [like] = methods as [string]
  const isText = subjects[subject].modality === 'text'
  return [
    candidate(DENSE),
    candidate(NONE),
    ...budgets.flatMap((budget) => [
      ...methods.map((method) => candidate(pruned(method, budget))),
      chance(budget),
      candidate(pruned('stride', budget)),
      ...(isText ? [candidate({ kind: 'truncated', budget, like })] : []),
    ]),
  ]
}

/** An embedded model: accuracy and speed of a few methods. */
function section(one: Case): ReportSection {
  const { title, timed, budgetMs } = one
  return {
    name: one.subject,
    async run(context) {
      const form = subjects[one.subject]
      const subject = await openSubject(context, form, 'test')
      // Other work of the machine must not change what a newcomer sees.
      const timing = { at: { examples: timed }, rounds: 200, budgetMs, clock: processorMs }
      const rows = await measureTimed(context, subject, candidatesOf(one), timing)
      const lengths = [...new Set([Math.min(...subject.lengths), Math.max(...subject.lengths)])].join(' … ')
      const count = subject.lengths.length.toLocaleString('en-US')
      const caption = `model  ${title}   ${count} ${form.what}, ${lengths} tokens   1 thread, in time of its processor`
      const verdict = verdictOn(rows, one.methods[0] as string, subject.lengths.length)
      const tables = [tableOf(caption, lineColumns, rows)]
      return { tables, values: rows.map(kept), verdict, note: busyNote(rows, machineLoad()) }
    },
  }
}

/** The verdict of `tp check` on the first method of a case, and whether it beats random tokens. */
export function verdictOn(
  rows: readonly Pick<TimedRow, 'name' | 'loss' | 'speedup'>[],
  method: string,
  examples: number,
): string {
  const named = (name: string): (typeof rows)[number] => rows.find((row) => row.name === name) as (typeof rows)[number]
  const { loss, speedup } = named(method)
  const random = named('random').loss
  const { text } = verdictOf(
    { loss: { unit: 'points', interval: loss, same: false }, speedup, examples },
    { maxLoss: 1, confident: false },
  )
  const isBetter = random.low > loss.high
  return `${method}  ${text}; random tokens ${isBetter ? 'lose more' : 'are not shown to lose more'}, ${points(random)}`
}

/**
 * In a minute and a half. Percent right, points lost against dense and times as fast, all with 95 % intervals. A method is worth its
 * cost where it loses less than random tokens at the same ratio: a loss whose interval covers 0 does not differ from none.
 */
export const quickstart: Report = {
  ...{ name: 'quickstart', page: false, sections: cases.map(section) },
  next: 'npx tp-models mail my-model   # or take a model of your own, and examples for it',
}
