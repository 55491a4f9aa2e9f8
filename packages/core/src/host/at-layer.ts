import type { Method, Reduces } from '../method/method.ts'
import type { LearnedSpec } from '../method/training.ts'

/** See {@link Method.reduces}. */
export function reducesAt({ reduces }: Method, layer: number): Reduces | undefined {
  return typeof reduces === 'function' ? reduces(layer) : reduces
}

/** Of the tokens that arrive at a layer, the least share that a method can keep. */
export function leastRatioAt(method: Method, layer: number): number {
  return reducesAt(method, layer) === 'pair' ? 0.5 : 0
}

/** See {@link Method.signed}. */
export function isSigned({ signed }: Method, layer: number): boolean {
  return (typeof signed === 'function' ? signed(layer) : signed) === true
}

/** See {@link Method.params}. */
export function paramsAt({ params }: Method, layer: number): Readonly<Record<string, LearnedSpec>> {
  return (typeof params === 'function' ? params(layer) : params) ?? {}
}

/** See {@link Training.params}. */
export function learnedAt(method: Method, layer: number): Readonly<Record<string, LearnedSpec>> {
  const { params } = method.training ?? {}
  return (typeof params === 'function' ? params(layer) : params) ?? paramsAt(method, layer)
}
