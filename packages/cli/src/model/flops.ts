import { flopsFormula, type Inspection } from '@tp/compiler'
import { isTpError } from '@tp/core'
import type { Model } from '@tp/onnx'
import { flopsSizes, isText, type WantedSizes } from './input-shapes.ts'

export interface FlopsAt {
  readonly batch: number
  readonly tokens: number | string
  readonly flops: number
}

/** Lengths that figures of a text model are given for. */
const USUAL_LENGTHS = [32, 128, 512] as const

/** FLOPs of a model that was made from `inspection`'s; undefined where they depend on the data. */
export function flopsOf(model: Model, inspection: Inspection): (wanted: WantedSizes) => number | undefined {
  const formula = flopsFormula(model)
  return (wanted) => {
    try {
      return formula(flopsSizes(model, inspection, wanted))
    } catch (error) {
      if (isTpError(error) && (error.code === 'TP_SIZES' || error.code === 'TP_INPUT')) return undefined
      throw error
    }
  }
}

/** FLOPs of one example: a text at some usual lengths, a picture or a sound at its own. */
export function flopsAtUsualLengths(model: Model, inspection: Inspection): FlopsAt[] {
  const count = flopsOf(model, inspection)
  const batch = typeof inspection.batch === 'number' ? inspection.batch : 1
  const lengths = isText(inspection) ? USUAL_LENGTHS : [undefined]
  return lengths.flatMap((tokens) => {
    const flops = count({ batch, tokens })
    return flops === undefined ? [] : [{ batch, tokens: tokens ?? inspection.tokens, flops }]
  })
}
