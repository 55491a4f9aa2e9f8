import { flopsSizes, type InputRoles, isText, type WantedSizes } from '@tp/compare'
import { flopsFormula, type Sizes } from '@tp/compiler'
import { isTpError } from '@tp/core'
import type { Model } from '@tp/onnx'

export interface FlopsAt {
  readonly batch: number
  readonly tokens: number | string
  readonly flops: number
}

/** Lengths that figures of a text model are given for. */
const USUAL_LENGTHS = [32, 128, 512] as const

/** FLOPs of a model that was made with these inputs; undefined where they depend on the data. */
export function flopsOf(
  model: Model,
  roles: InputRoles,
): (wanted: WantedSizes & Pick<Sizes, 'kept'>) => number | undefined {
  const formula = flopsFormula(model)
  return (wanted) => {
    try {
      return formula(flopsSizes(model, roles, wanted))
    } catch (error) {
      if (isTpError(error) && (error.code === 'TP_SIZES' || error.code === 'TP_INPUT')) return undefined
      throw error
    }
  }
}

/** FLOPs of one example: a text at some usual lengths, an image or a sound at its own. */
export function flopsAtUsualLengths(model: Model, roles: InputRoles): FlopsAt[] {
  const count = flopsOf(model, roles)
  const batch = typeof roles.batch === 'number' ? roles.batch : 1
  const lengths = isText(roles) ? USUAL_LENGTHS : [undefined]
  return lengths.flatMap((tokens) => {
    const flops = count({ batch, tokens })
    return flops === undefined ? [] : [{ batch, tokens: tokens ?? roles.tokens, flops }]
  })
}
