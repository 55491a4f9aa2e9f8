import type { Method, Reduces } from '../method/method.ts'
import type { LearnedSpec } from '../method/training.ts'

/** See {@link Method.reduces}. */
export function reducesAt({ reduces }: Method, block: number): Reduces | undefined {
  return typeof reduces === 'function' ? reduces(block) : reduces
}

/** See {@link Method.signed}. */
export function isSigned({ signed }: Method, block: number): boolean {
  return (typeof signed === 'function' ? signed(block) : signed) === true
}

/** See {@link Method.params}. */
export function paramsAt({ params }: Method, block: number): Readonly<Record<string, LearnedSpec>> {
  return (typeof params === 'function' ? params(block) : params) ?? {}
}

/** See {@link Training.params}. */
export function learnedAt(method: Method, block: number): Readonly<Record<string, LearnedSpec>> {
  const { params } = method.training ?? {}
  return (typeof params === 'function' ? params(block) : params) ?? paramsAt(method, block)
}
