import { type Inspection, isRefused, leaveOut, type Refused, transform } from '@tp/compiler'
import type { Model } from '@tp/onnx'

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
export function leavableOf(model: Model, { layers }: Inspection): Leavable | undefined {
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
