import { paramsAt } from '../host/at-layer.ts'
import { initialValues } from '../method/initial-values.ts'
import type { Method } from '../method/method.ts'
import type { Values } from '../method/site.ts'
import { constantOf } from '../ops/constant.ts'

/**
 * The values that a method needs, as they are before anything was learned: for tests of methods in general.
 * @param hidden size of the hidden states
 */
export function unlearnedValues(method: Method, hidden: number): (layer: number) => Values {
  return (layer) => {
    const needed = Object.entries(paramsAt(method, layer)).filter(([, { optional }]) => !optional)
    const values = Object.entries(initialValues(Object.fromEntries(needed), { D: hidden }, () => 0.5))
    return Object.fromEntries(values.map(([name, value]) => [name, constantOf(value, () => value.data)]))
  }
}
