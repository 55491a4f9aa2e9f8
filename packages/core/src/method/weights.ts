import { TpError } from '../errors.ts'
import type { ConstantData } from '../expression/tensor.ts'
import { paramsAt } from '../host/at-layer.ts'
import { constantOf } from '../ops/index.ts'
import { writeSafetensors } from '../safetensors/safetensors.ts'
import type { Method } from './method.ts'
import type { Scorer } from './scorer.ts'
import type { Site, Values } from './site.ts'
import type { Learned } from './training.ts'

/**
 * A method's trained values at one layer, out of a weights file: `layer.3.threshold`, or `threshold` for all layers.
 * @throws TpError TP_WEIGHTS if one is missing or has another shape, or if the method takes none
 */
export function paramsOf(method: Method, weights: ReadonlyMap<string, ConstantData>, layer: number): Values {
  const specs = Object.entries(paramsAt(method, layer))
  // What a method has learned may say only how many tokens stay: it fits, although nothing of it is needed here.
  if (method.params === undefined && method.training === undefined && weights.size > 0) {
    throw new TpError('TP_WEIGHTS', method.name, 'the method takes no trained values; leave the weights out')
  }
  return Object.fromEntries(
    specs.flatMap(([name, { dims, optional }]) => {
      const found = weights.get(`layer.${layer}.${name}`) ?? weights.get(name)
      if (found === undefined) {
        if (optional === true) return []
        const known = [...weights.keys()].join(', ') || 'nothing'
        throw new TpError('TP_WEIGHTS', method.name, `the weights have no layer.${layer}.${name} (they have ${known})`)
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

/**
 * Whether a method cannot do without trained values at one of some layers: it takes some that are not optional. Where values
 * differ from layer to layer, the first layer differs from the others.
 */
export function needsValues(method: Method, layers: Iterable<number> = [0, 1]): boolean {
  return [...layers].some((layer) => Object.values(paramsAt(method, layer)).some(({ optional }) => optional !== true))
}

/** What was learned at one layer, of it what the method needs once tokens leave. */
export function valuesOf(method: Method, learned: Learned, layer: number): Values {
  const names = Object.keys(paramsAt(method, layer)).filter((name) => learned[name] !== undefined)
  return Object.fromEntries(
    names.map((name) => {
      const value = learned[name] as ConstantData
      return [name, constantOf(value, () => value.data)]
    }),
  )
}

/**
 * A method with what it has learned in it: it takes no trained values any more, and stands wherever one without training can.
 * @param values at a layer, as `paramsOf` and `valuesOf` give them
 */
export function withValues(method: Method, values: (layer: number) => Values): Method {
  const { params: _params, training: _training, score: _score, ...rest } = method as Scorer
  return Object.freeze<Method>({
    ...rest,
    reduce: (site) => method.reduce(Object.create(site, { param: { value: values(site.layer) } }) as Site),
  })
}

/** What was learned, by layer, as a weights file that `paramsOf` finds it in: `tp prune --weights` reads it, too. */
export function learnedBytes(learned: ReadonlyMap<number, Learned>): Uint8Array {
  const tensors = [...learned].flatMap(([layer, values]) =>
    Object.entries(values).map(([name, { dims, data }]) => {
      return [`layer.${layer}.${name}`, { dims, data: Float32Array.from(data, Number) }] as const
    }),
  )
  return writeSafetensors(new Map(tensors))
}
