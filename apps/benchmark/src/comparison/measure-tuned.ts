import type { Plan } from '@tp/compiler'
import type { Runtime } from '@tp/core/runtime'
import { type OptimizeOptions, optimize, type Shape } from '@tp/optimize'
import type { MeasuredSubject } from '../measure/subject.ts'
import { entryOf } from '../registry/methods.ts'
import { type PrunedSetting, pruned } from '../registry/settings.ts'
import type { TunedCell, TunedValue } from './cell.ts'

/** The choices of tuning for examples one by one, on calibration data alone. */
export async function measureTuned(
  runtime: Runtime,
  { model, inputs }: Pick<MeasuredSubject, 'model' | 'inputs'>,
  { methods, maxLoss }: Pick<TunedCell, 'methods' | 'maxLoss'>,
  onProgress: OptimizeOptions['onProgress'] = () => {},
): Promise<TunedValue> {
  const variants = methods.map((name) => ({ entry: entryOf(name), optional: true }))
  const largest: Shape = { batch: 1, ...(inputs.lengths && { tokens: Math.max(...inputs.lengths) }) }
  const { regimes } = await optimize({
    ...{ model, data: { task: 'classification', inputs }, runtime, variants, maxLoss, onProgress },
    ...{ quantize: false, leaveOut: false, grid: [largest] },
  })
  const setting = settingOf(regimes.at(-1)?.plan)
  return setting === undefined ? {} : { setting }
}

/** A plan that prunes, of a file with one encoder. */
function settingOf(plan: Plan | undefined): PrunedSetting | undefined {
  if (plan === undefined || plan.method === 'none') return undefined
  const { method, params, layers, keep } = plan
  if (!Array.isArray(layers) || keep === undefined) return undefined
  return pruned({ method, ...(params && { params }) }, { layers, keep })
}
