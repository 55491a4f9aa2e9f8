import type { Interval, Speedup } from '@tp/eval/metrics'
import { rowsOf } from './analysis/rows.ts'
import { type SubjectPlan, USUAL_LOSS } from './plan.ts'
import { reported } from './report/peers.ts'
import type { Results, Surroundings } from './results.ts'
import { settingText } from './setting.ts'

/** One way to save work on one subject, as it is published: a line of `docs/results/benchmark.jsonl`. */
export interface SummaryLine extends Surroundings {
  readonly subject: string
  readonly title: string
  /** `1,257 mails` */
  readonly examples: string
  readonly way: string
  /** What was chosen; absent where none of its settings was within the loss. */
  readonly chosen?: {
    readonly name: string
    readonly setting: string
    /** Points lost, on calibration and on test data. */
    readonly calibration: Interval
    readonly loss: Interval
    /** Factors over the model without its dead tokens. */
    readonly flops: number
    readonly speedup: Speedup
  }
  /** Points that it was allowed to lose on calibration data. */
  readonly allowed: number
  readonly date: string
  readonly quick: boolean
}

/** What the README's table is made of. */
export function summary(plans: readonly SubjectPlan[], results: Results, quick: boolean): SummaryLine[] {
  const date = new Date().toISOString().slice(0, 10)
  return plans.flatMap((plan) => {
    const rows = rowsOf(plan)
    const chosen = reported(plan, rows, USUAL_LOSS)
    if (chosen.length === 0) return []
    const { name: subject, title, what } = plan.form
    const examples = `${plan.reference('test')?.correct.length.toLocaleString('en-US')} ${what}`
    const about = { subject, title, examples, allowed: USUAL_LOSS, date, quick, ...results.surroundings }
    return plan.groups.map((way): SummaryLine => {
      const own = chosen.find(({ ladder }) => ladder.group === way)
      if (own === undefined) return { ...about, way }
      const { ladder, setting, loss: calibration, row, tested: speedup } = own
      const cut = row.maxTokens === undefined ? settingText(setting) : `first ${row.maxTokens} tokens`
      return {
        ...about,
        way,
        chosen: { name: ladder.name, setting: cut, calibration, loss: row.loss, flops: row.flops, speedup },
      }
    })
  })
}
