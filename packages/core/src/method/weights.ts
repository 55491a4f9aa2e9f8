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
 * @throws TpError TP_WEIGHTS if one is missing or has another shape, or if the method has none
 */
export function paramsOf(method: Method, weights: ReadonlyMap<string, ConstantData>, layer: number): Values {
  const specs = Object.entries(paramsAt(method, layer))
  // A method may have learned only how many tokens to keep: its weights are accepted, although none is used here.
  if (method.params === undefined && method.training === undefined && weights.size > 0) {
    throw new TpError('TP_WEIGHTS', method.name, 'the method takes no trained values; omit the weights')
  }
  return Object.fromEntries(
    specs.flatMap(([name, { dims, optional }]) => {
      const found = weights.get(`layer.${layer}.${name}`) ?? weights.get(name)
      if (found === undefined) {
        if (optional === true) return []
        const known = [...weights.keys()].join(', ') || 'nothing'
        throw new TpError('TP_WEIGHTS', method.name, `the weights have no layer.${layer}.${name} (they have ${known})`)
      }
      // Named sizes (D, H) are the model's; they are checked where the value is used.
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
 * The layers that a weights file has values of a method for, ascending.
 * @returns undefined if some serve every layer, or none is there
 */
export function trainedLayers(method: Method, weights: ReadonlyMap<string, unknown>): number[] | undefined {
  const layers = new Set<number>()
  for (const name of weights.keys()) {
    const [, layer, value = name] = /^layer\.(\d+)\.(.+)$/.exec(name) ?? []
    if (!Object.hasOwn(paramsAt(method, Number(layer ?? 0)), value)) continue
    if (layer === undefined) return undefined
    layers.add(Number(layer))
  }
  return layers.size === 0 ? undefined : [...layers].sort((a, b) => a - b)
}

/**
 * Whether a method requires trained values at one of some layers: values that are not optional. Where they differ from layer to
 * layer, the first layer differs from the others.
 */
export function needsValues(method: Method, layers: Iterable<number> = [0, 1]): boolean {
  return [...layers].some((layer) => Object.values(paramsAt(method, layer)).some(({ optional }) => optional !== true))
}

/** The learned values of one layer that the method uses for pruning. */
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
 * A method with its trained values built in: it takes none, and can be used like a method without training.
 * @param values at a layer, as `paramsOf` and `valuesOf` give them
 */
export function withValues(method: Method, values: (layer: number) => Values): Method {
  const { params: _params, training: _training, score: _score, ...rest } = method as Scorer
  return Object.freeze<Method>({
    ...rest,
    reduce: (site) => method.reduce(Object.create(site, { param: { value: values(site.layer) } }) as Site),
  })
}

/** The learned values, by layer, as a weights file for `paramsOf` and `tp prune --weights`. */
export function learnedBytes(learned: ReadonlyMap<number, Learned>): Uint8Array {
  const tensors = [...learned].flatMap(([layer, values]) =>
    Object.entries(values).map(([name, { dims, data }]) => {
      return [`layer.${layer}.${name}`, { dims, data: Float32Array.from(data, Number) }] as const
    }),
  )
  return writeSafetensors(new Map(tensors))
}
