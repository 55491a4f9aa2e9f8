import type { Method } from '@tp/core'
import type { NamedTensors, Runtime } from '@tp/core/runtime'
import { batches } from '@tp/eval/inputs'
import type { VariantLatency } from '@tp/eval/metrics'
import { type Budget, scheduleOf } from '../measure/compare.ts'
import type { Subject } from '../measure/subject.ts'
import { timeFiles } from '../measure/time-files.ts'
import { dense, pruned, withoutDeadTokens } from '../measure/variant.ts'
import { budgetText } from '../output/lines-table.ts'
import { factor, interval } from '../output/numbers.ts'
import type { Findings } from '../report/section.ts'

/** How many batches of how many examples are timed, and for how long at most. */
interface Batching {
  readonly size: number
  readonly count: number
  readonly budgetMs: number
}

interface Measurement {
  readonly name: string
  readonly p50Ms: number
  readonly speedup: VariantLatency['speedup']
}

/**
 * Speed of a method in batches of examples of like length, spread over all lengths: a part of one example's time goes into
 * fetching weights, not into tokens.
 */
export async function measureBatches(
  runtime: Runtime,
  subject: Subject,
  method: Method,
  budgets: readonly Budget[],
  { size, count, budgetMs }: Batching,
): Promise<Measurement[]> {
  const files = {
    dense: dense(subject).file,
    none: withoutDeadTokens(subject).file,
    ...Object.fromEntries(
      budgets.map((budget) => [
        `${method.name}, ${budgetText(budget)}`,
        pruned(subject, method, scheduleOf(subject, budget)).file,
      ]),
    ),
  }
  const all = batches(subject.inputs.targets.length, size, subject.lengths)
  const inputs: NamedTensors[] = []
  for (let i = 0; i < count; i++) {
    inputs.push(await subject.inputs.feeds(all[Math.floor(((i + 0.5) * all.length) / count)] as number[]))
  }
  const { variants } = await timeFiles(runtime, files, inputs, { rounds: 100, budgetMs })
  return Object.entries(variants).map(([name, { p50Ms, speedup }]) => ({ name, p50Ms, speedup }))
}

export function batchTable(measurements: readonly Measurement[], size: number): Findings['tables'][number] {
  return {
    caption: `Batches of ${size}, one thread`,
    headings: ['model', 'p50 ms', 'speed-up', '95 % interval'],
    rows: measurements.map(({ name, p50Ms, speedup: { value, low, high } }) => [
      name,
      p50Ms.toFixed(2),
      factor(value),
      interval({ low, high }),
    ]),
  }
}
