import { factor, points, type VariantLatency } from '@tp/compare'
import { keepText, type SettingBudget, settingText } from '../registry/settings.ts'
import { interval, percent } from '../report/numbers.ts'
import type { TableColumns } from '../report/table.ts'
import { figureOf, type MeasuredRow, type TimedRow } from './measure.ts'

function budgetOf({ settings: [setting] }: MeasuredRow): SettingBudget | undefined {
  return setting.kind === 'pruned' || setting.kind === 'truncated' ? setting.budget : undefined
}

/** A row's name with what is not in it: `random (5 seeds)`, `truncation (first 74 tokens)`. */
function nameOf({ name, seeds, maxTokens }: MeasuredRow): string {
  if (maxTokens !== undefined) return `${name} (first ${maxTokens} tokens)`
  return seeds.length > 1 ? `${name} (${seeds.length} seeds)` : name
}

/** The columns that rows can show, by heading. */
export const show: Readonly<
  Record<
    'method' | 'budget' | 'keep' | 'kept' | 'accuracy' | 'loss' | 'divergence' | 'flops' | 'agreement',
    TableColumns<MeasuredRow>
  >
> = {
  method: { method: nameOf },
  budget: { budget: ({ settings: [setting] }) => settingText(setting) },
  keep: { keep: (row) => keepText(budgetOf(row)?.keep) },
  kept: { kept: ({ kept }) => kept?.toFixed(2) ?? '' },
  accuracy: { accuracy: (row) => points(figureOf(row, 'accuracy')) },
  loss: { loss: ({ isReference, loss }) => (isReference ? '' : points(loss)) },
  divergence: { divergence: (row) => figureOf(row, 'divergence', 1).estimate.toFixed(4) },
  flops: { FLOPs: ({ flops }) => factor(flops) },
  agreement: { 'agrees with dense': (row) => percent(figureOf(row, 'agreement', 1).estimate) },
}

type Timed = Pick<VariantLatency, 'p50Ms' | 'speedup'>

/** Of anything that was timed. */
export const showTimes: Readonly<Record<'ms' | 'speedup' | 'interval' | 'range', TableColumns<Timed>>> = {
  ms: { 'p50 ms': ({ p50Ms }) => p50Ms.toFixed(2) },
  speedup: { 'speed-up': ({ speedup }) => factor(speedup.value) },
  interval: { '95 % interval': ({ speedup }) => interval(speedup) },
  range: { 'times as fast': ({ speedup }) => `${speedup.value.toFixed(2)} (${interval(speedup)})` },
}

/** Of models under their names. */
export const timeColumns: TableColumns<Timed & { readonly name: string }> = {
  model: ({ name }) => name,
  ...showTimes.ms,
  ...showTimes.speedup,
  ...showTimes.interval,
}

/** Accuracy and speed together. */
export const lineColumns: TableColumns<TimedRow> = {
  ...show.method,
  ...show.kept,
  ...show.accuracy,
  ...show.loss,
  ...showTimes.ms,
  ...showTimes.range,
  ...show.flops,
}
