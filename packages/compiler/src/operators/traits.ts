import { operatorName, type Trait } from './operator.ts'
import { operators } from './table.ts'

/** True if the operator of a node has one of some traits; one that is not in the table has none. */
export function hasTrait(
  node: { readonly domain: string; readonly opType: string },
  ...traits: readonly Trait[]
): boolean {
  return isNamedWith(operatorName(node), ...traits)
}

/** As {@link hasTrait}, by the name of an operator with its domain in front. */
export function isNamedWith(name: string, ...traits: readonly Trait[]): boolean {
  return operators.get(name)?.traits.some((trait) => traits.includes(trait)) === true
}
