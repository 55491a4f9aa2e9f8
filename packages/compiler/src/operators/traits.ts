import { hasTraitIn, type Operator, operatorName, type Trait } from './operator.ts'
import { operators } from './table.ts'

type NodeOperator = Parameters<typeof operatorName>[0]

/** The entry of a node's operator. */
export function operatorOf(node: NodeOperator): Operator | undefined {
  return operators.get(operatorName(node))
}

/** True if the operator of a node has one of some traits; one that is not in the table has none. */
export function hasTrait(node: NodeOperator, ...traits: readonly Trait[]): boolean {
  return hasTraitIn(operators, operatorName(node), ...traits)
}

/** As {@link hasTrait}, by the name of an operator with its domain in front. */
export function isNamedWith(name: string, ...traits: readonly Trait[]): boolean {
  return hasTraitIn(operators, name, ...traits)
}

/** True for a node whose first result holds values of its first input alone, but for their type. */
export function returnsFirst(node: NodeOperator): boolean {
  return hasTrait(node, 'same values', 'moved values', 'repeated values', 'parts')
}
