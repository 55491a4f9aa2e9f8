import { flopsFormula, type Sizes } from '@tp/compiler'
import { isTpError } from '@tp/core'
import type { Model } from '@tp/onnx'

/** FLOPs of a model at given sizes; undefined where they depend on a size that is not given. */
export function flopsOf(model: Model): (sizes: Sizes) => number | undefined {
  const formula = flopsFormula(model)
  return (sizes) => {
    try {
      return formula(sizes)
    } catch (error) {
      if (isTpError(error) && error.code === 'TP_SIZES') return undefined
      throw error
    }
  }
}
