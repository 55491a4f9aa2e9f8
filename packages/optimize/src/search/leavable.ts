import { type Inspection, isRefused, leaveOut, type Refused, transform } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { Model } from '@tp/onnx'
import type { OptimizeOptions } from '../options.ts'

/** Layers that candidates may do without. */
export interface Leavable {
  readonly layers: readonly number[]
  /** This many together. */
  readonly most: number
}

/**
 * Every layer whose ends are in the graph, and half of the layers together.
 * @returns undefined for a single layer, without which no model would remain
 * @throws TpError TP_LAYERS, TP_ENCODER; Refused if no layer can be left out
 */
function leavableOf(model: Model, { layers }: Inspection): Leavable | undefined {
  if (layers.length < 2) return undefined
  const able: number[] = []
  let first: Refused | undefined
  for (const { layer } of layers) {
    try {
      transform(model, leaveOut({ layers: [layer] }))
      able.push(layer)
    } catch (error) {
      if (!isRefused(error)) throw error
      first ??= error
    }
  }
  if (able.length === 0 && first !== undefined) throw first
  return { layers: able, most: Math.min(able.length, Math.floor(layers.length / 2)) }
}

/** The same where layers may be left out and can be. @throws as `leavableOf`, if that is demanded */
export function leavableIn(
  { model, leaveOut: isDemanded }: Pick<OptimizeOptions, 'model' | 'leaveOut'>,
  inspection: Inspection,
): Leavable | undefined {
  if (isDemanded === false) return undefined
  try {
    return leavableOf(model, inspection)
  } catch (error) {
    const isRefusal = isRefused(error) || (error instanceof TpError && ['TP_LAYERS', 'TP_ENCODER'].includes(error.code))
    if (isDemanded === true || !isRefusal) throw error
    return undefined
  }
}
