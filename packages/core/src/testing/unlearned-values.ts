import { paramsAt } from '../host/at-layer.ts'
import { initialValues } from '../method/initial-values.ts'
import type { Method } from '../method/method.ts'
import type { Values } from '../method/site.ts'
import { constantOf } from '../ops/constant.ts'

/**
 * The values that a method needs at a layer, as they are before anything was learned: for tests of methods in general. Those that it
 * can do without are omitted.
 * @param sizes what named sizes are: `D`, `H` …
 */
export function unlearnedValues(
  method: Method,
  layer: number,
  sizes: Readonly<Record<string, number>>,
  random: () => number = () => 0.5,
): Values {
  const needed = Object.entries(paramsAt(method, layer)).filter(([, { optional }]) => optional !== true)
  const values = Object.entries(initialValues(Object.fromEntries(needed), sizes, random))
  return Object.fromEntries(values.map(([name, value]) => [name, constantOf(value, () => value.data)]))
}
