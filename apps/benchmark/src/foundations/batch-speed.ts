import type { Method, NamedTensors, Runtime } from '@tp/core'
import type { VariantLatency } from '@tp/eval'
import { type Budget, scheduleOf } from '../measure/compare.ts'
import type { Subject } from '../measure/subject.ts'
import { timeFiles } from '../measure/time-files.ts'
import { dense, pruned, withoutDeadTokens } from '../measure/variant.ts'
import { budgetText } from '../output/lines-table.ts'
import { factor } from '../output/numbers.ts'
import type { Findings } from './section.ts'

const BATCH = 16
const BATCHES = 4
const MS = 15_000

interface Measurement {
  readonly name: string
  readonly p50Ms: number
  readonly speedup: VariantLatency['speedup']
}

/** Speed of a method in batches of 16: small models spend one example's time on starting operators, not on tokens. */
export async function measureBatches(
  runtime: Runtime,
  subject: Subject,
  method: Method,
  budgets: readonly Budget[],
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
  const inputs: NamedTensors[] = []
  for (let batch = 0; batch < BATCHES; batch++) {
    inputs.push(await subject.inputs.feeds(Array.from({ length: BATCH }, (_, i) => batch * BATCH + i)))
  }
  const { variants } = await timeFiles(runtime, files, inputs, { rounds: 100, budgetMs: MS })
  return Object.entries(variants).map(([name, { p50Ms, speedup }]) => ({ name, p50Ms, speedup }))
}

export function batchTable(measurements: readonly Measurement[]): Findings['tables'][number] {
  return {
    caption: `Batches of ${BATCH}, one thread`,
    headings: ['model', 'p50 ms', 'speed-up', '95 % interval'],
    rows: measurements.map(({ name, p50Ms, speedup: { value, low, high } }) => [
      name,
      p50Ms.toFixed(2),
      factor(value),
      `${low.toFixed(2)} … ${high.toFixed(2)}`,
    ]),
  }
}
