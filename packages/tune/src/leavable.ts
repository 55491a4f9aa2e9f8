import { type Inspection, leaveOutLayers } from '@tp/compiler'
import { TpError } from '@tp/core'
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
 * @throws TpError TP_LAYERS, TP_ENCODER; with the code of a refusal if no layer can be left out
 */
export function leavableOf(model: Model, { layers }: Inspection): Leavable | undefined {
  if (layers.length < 2) return undefined
  const tried = layers.map(({ layer }) => ({ layer, left: leaveOutLayers(model, [layer]) }))
  const able = tried.flatMap(({ layer, left }) => (left.ok ? layer : []))
  const [first] = tried
  if (able.length === 0 && first?.left.ok === false) {
    throw new TpError(first.left.refusal.code, 'tune', first.left.refusal.message)
  }
  return { layers: able, most: Math.min(able.length, Math.floor(layers.length / 2)) }
}
