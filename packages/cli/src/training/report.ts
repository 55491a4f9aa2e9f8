import type { Plan } from '@tp/compiler'
import type { Learned, Schedule } from '@tp/core'
import type { OptionValues } from '@tp/core/host'
import { amountRules } from '@tp/core/host'
import type { SeenStep } from './plot.ts'

/** How a training came out. */
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
  readonly selection: Accuracies
  /** Only of methods that learn: what `tp prune --plan` takes; absent where one plan cannot say it. */
  readonly plan?: LearnedPlan
  readonly schedule?: readonly object[]
  readonly learned?: readonly object[]
  /** Share of the dense model's FLOPs, on the selection set; absent where they cannot be counted. */
  readonly flops?: number
  readonly seconds: number
}

interface Accuracies {
  readonly dense: number
  /** Pruned, before fine-tuning. */
  readonly before: number
  readonly after: number
  /** Stored in 8 bits, where that was asked for. */
  readonly in8Bits?: number
}

/** A plan with the layers of one encoder. */
export interface LearnedPlan extends Plan {
  readonly layers: readonly number[]
}

export interface Planned {
  readonly method: string
  readonly params: OptionValues
  readonly schedule: Schedule
  readonly encoder: string | undefined
  readonly protect: NonNullable<Plan['protect']>
  readonly segment: Pick<Plan, 'protectSegment' | 'separator'>
  readonly restore: NonNullable<Plan['restore']>
}

/** A schedule in the words of `tp prune`; undefined where its layers go by different kinds of amounts. */
export function planOf({
  method,
  params,
  schedule,
  encoder,
  protect,
  segment,
  restore,
}: Planned): LearnedPlan | undefined {
  const amounts = [...schedule].sort(([a], [b]) => a - b)
  const kinds = new Set(amounts.map(([, { kind }]) => kind))
  const [kind] = kinds
  if (kind === undefined || kinds.size > 1) return undefined
  return {
    format: 1,
    method,
    ...(Object.keys(params).length > 0 && { params }),
    ...(encoder !== undefined && { encoder }),
    layers: amounts.map(([layer]) => layer),
    [amountRules[kind].name]: amounts.map(([, { value }]) => value),
    ...(protect !== 'auto' && { protect }),
    ...segment,
    ...(restore !== 'auto' && { restore }),
  }
}

/** What was learned, small enough to read. */
export function learnedSummary(learned: ReadonlyMap<number, Learned>): object[] {
  return [...learned].map(([layer, values]) => ({
    layer,
    ...Object.fromEntries(
      Object.entries(values).map(([name, { dims, data }]) => {
        const numbers = Array.from(data, Number)
        if (numbers.length <= 8) return [name, dims.length === 0 ? numbers[0] : numbers]
        const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length
        const [least, most] = [numbers.reduce((a, b) => Math.min(a, b)), numbers.reduce((a, b) => Math.max(a, b))]
        return [name, { dims, least, mean, most }]
      }),
    ),
  }))
}

/** What is known of each step, without what a reader of the report has no use for. */
export function stepRecords(steps: readonly SeenStep[]): object[] {
  return steps.map(({ part, step, stage, loss, kept, flops, accuracy }) => ({
    part,
    step,
    stage,
    loss,
    kept,
    flops,
    accuracy,
  }))
}
