import type { PackRule, PackView } from './operator.ts'

/** True if an axis of the first input counts neither tokens nor examples. */
export function countsNoTokens({ tokens, batch }: PackView, axis: unknown): boolean {
  return typeof axis === 'number' && axis !== tokens && axis !== batch
}

/** Operators whose `axis` must count neither. */
export const axisCountsNoTokens: PackRule = (view) => countsNoTokens(view, view.output.node.attributes.axis)

/** Operators that only lay values out: no token changes. */
export const always: PackRule = () => true
