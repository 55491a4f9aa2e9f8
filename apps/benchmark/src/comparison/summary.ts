import type { Interval, Speedup } from '@tp/metrics'
import { settingText } from '../registry/settings.ts'
import type { ReportSurroundings } from '../report/section.ts'
import { type SettingRow, type SubjectPlan, USUAL_LOSS } from './plan.ts'

/** One way to save work on one subject, as it is published: a line of `docs/results/benchmark.jsonl`. */
export interface SummaryLine extends ReportSurroundings {
  readonly subject: string
  readonly title: string
  /** `1,257 mails` */
  readonly examples: string
  readonly way: string
  /** The choice; absent where none of its settings was within the loss. */
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

/** Each way at the usual loss: what the README's table is made of. */
export function summary(
  { plan, rows }: { readonly plan: SubjectPlan; readonly rows: readonly SettingRow[] },
  about: ReportSurroundings & Pick<SummaryLine, 'date' | 'quick'>,
): SummaryLine[] {
  const reported = plan.reported(rows, USUAL_LOSS)
  if (reported.length === 0) return []
  const { name: subject, title, what } = plan.form
  const examples = `${plan.reference('test')?.correct.length.toLocaleString('en-US')} ${what}`
  return plan.ways.map((way): SummaryLine => {
    const [own] = reported.filter(({ sweep }) => sweep.way === way)
    const chosen = own && {
      name: own.sweep.name,
      setting: own.row.maxTokens === undefined ? settingText(own.setting) : `first ${own.row.maxTokens} tokens`,
      calibration: own.loss,
      loss: own.row.loss,
      flops: own.row.flops,
      speedup: own.tested,
    }
    return { subject, title, examples, way, allowed: USUAL_LOSS, ...about, ...(chosen && { chosen }) }
  })
}
