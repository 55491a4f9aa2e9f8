import { TpError } from './errors.ts'
import { paramsAt } from './host/at-block.ts'
import type { Method, Values } from './method.ts'
import { constantOf } from './ops/index.ts'
import type { ConstantData } from './tensor.ts'

/**
 * A method's trained values at one block, out of a weights file: `block.3.threshold`, or `threshold` for all blocks.
 * @throws TpError TP_WEIGHTS if one is missing or has another shape, or if the method takes none
 */
export function paramsOf(method: Method, weights: ReadonlyMap<string, ConstantData>, block: number): Values {
  const specs = Object.entries(paramsAt(method, block))
  if (method.params === undefined && weights.size > 0) {
    throw new TpError('TP_WEIGHTS', method.name, 'the method takes no trained values; leave the weights out')
  }
  return Object.fromEntries(
    specs.flatMap(([name, { dims, optional }]) => {
      const found = weights.get(`block.${block}.${name}`) ?? weights.get(name)
      if (found === undefined) {
        if (optional === true) return []
        const known = [...weights.keys()].join(', ') || 'nothing'
        throw new TpError('TP_WEIGHTS', method.name, `the weights have no block.${block}.${name} (they have ${known})`)
      }
      // Sizes that are named (D, H) are the model's own; they are checked where the value meets the model's.
      const fits =
        found.dims.length === dims.length && dims.every((dim, i) => typeof dim === 'string' || dim === found.dims[i])
      if (!fits) {
        throw new TpError(
          'TP_WEIGHTS',
          method.name,
          `${name} has shape [${found.dims.join(',')}], where [${dims.join(',')}] was expected`,
        )
      }
      return [[name, constantOf(found, () => found.data)]]
    }),
  )
}
