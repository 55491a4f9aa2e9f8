import { fromPlan, type Inspection, keepForFlops, type Plan, type TrainedValues } from '@tp/compiler'
import { type MethodEntry, TpError, withValues } from '@tp/core'
import type { Model } from '@tp/onnx'
import { flopsSizes, isText } from '../inputs/input-shapes.ts'

/** A share of the FLOPs of a model. */
export interface FlopsShare {
  /** Above 0 and at most 1. */
  readonly share: number
  /** Of the text that it is meant for; images and sounds have their own number. */
  readonly tokens?: number | undefined
}

/** A plan whose keep ratio is not known yet. */
export interface FlopsPlan extends FlopsShare {
  readonly plan: Plan
  readonly methods: readonly MethodEntry[]
  readonly values?: TrainedValues | undefined
}

/**
 * A plan at the highest keep ratio whose model takes at most a share of the FLOPs of the model as it is.
 * @param inspection of the encoder that is pruned
 * @throws TpError TP_FLOPS if no ratio does; TP_SIZES for a text without tokens; TP_SCHEDULE for another number than a model always has
 * @example
 * const found = inspect(model)
 * if (found.ok) console.log(planForFlops(model, found, { plan, methods, share: 0.5, tokens: 128 }).keep)
 */
export function planForFlops(
  model: Model,
  inspection: Inspection,
  { plan, methods, values, share, tokens }: FlopsPlan,
): Plan {
  const { encoder, layers, open, batch, tokens: own } = inspection
  if (isText(inspection) && tokens === undefined)
    throw new TpError(
      'TP_SIZES',
      'compare',
      `the share ${share} of the FLOPs depends on the tokens of a text; give them (--flops ${share}@128)`,
    )
  if (!isText(inspection) && tokens !== undefined && tokens !== own) {
    const seen = `the share of the FLOPs is meant for ${tokens} tokens, but the model always has ${own}`
    throw new TpError('TP_SCHEDULE', 'compare', `${seen}; leave that out`)
  }
  const { method, params } = fromPlan(plan, methods, values)
  const sizes = { batch: typeof batch === 'number' ? batch : 1, tokens: isText(inspection) ? tokens : undefined }
  const keep = keepForFlops(model, {
    ...{ method: params ? withValues(method, params) : method, encoder, share },
    at: flopsSizes(model, inspection, sizes),
    schedule: (ratio) =>
      fromPlan({ ...plan, keep: ratio }, methods, values).schedule({ name: encoder, layerCount: layers.length, open }),
  })
  return { ...plan, keep }
}
