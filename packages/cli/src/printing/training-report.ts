import type { Plan } from '@tp/compiler'
import { amountNames, type OptionValues } from '@tp/core/host'
import type { LearnedPlan } from '@tp/train'

/** The document of a training. */
export interface TrainingReport {
  readonly model: string
  readonly out: string
  readonly method: string
  /** Options of the method that were given. */
  readonly params: OptionValues
  readonly layers: readonly number[]
  readonly settings: Readonly<Record<string, unknown>>
  /** Steps after which the weights were taken. */
  readonly step: number
  /** Percent right of the selection set; of vectors the cosine to the dense ones. */
  readonly selection: {
    readonly dense: number
    /** Pruned, before fine-tuning. */
    readonly before: number
    readonly after: number
    readonly in8Bits?: number
  }
  /** Only of methods that learn: the plan of `tp prune --plan`; absent where one plan cannot express it. */
  readonly plan?: LearnedPlan
  readonly schedule?: readonly object[]
  readonly learned?: readonly object[]
  /** Share of the dense model's FLOPs, on the selection set; absent where they cannot be counted. */
  readonly flops?: number
  readonly seconds: number
}

/** The report for a reader, without the files. */
export function trainingLines(report: Omit<TrainingReport, 'model' | 'out' | 'seconds'>): string[] {
  const { method, step, selection, flops, plan, settings } = report
  const { dense, before, after, in8Bits } = selection
  const percent = (share: number): string => `${share.toFixed(1)} %`
  const cosine = (share: number): string => (share / 100).toFixed(3)
  const rounded = (text: (share: number) => string): string =>
    in8Bits === undefined ? '' : `, in 8 bits ${text(in8Bits)}`
  return [
    `${method}, weights of step ${step}`,
    settings.answer === 'embedding'
      ? `selection  cosine to the dense vectors: pruned ${cosine(before)}, trained ${cosine(after)}${rounded(cosine)}`
      : `selection  dense ${percent(dense)}, pruned ${percent(before)}, trained ${percent(after)}${rounded(percent)}`,
    ...(flops === undefined ? [] : [`FLOPs  ${(100 * flops).toFixed(1)} % of the dense model's on the selection`]),
    ...(plan === undefined ? [] : [`tokens are pruned at layers ${plan.layers.join(', ')}: ${amountsText(plan)}`]),
  ]
}

function amountsText(plan: Plan): string {
  const amounts = amountNames.flatMap((name) => plan[name] ?? [])
  return amounts.map((value) => Number(value.toPrecision(3))).join(', ')
}
