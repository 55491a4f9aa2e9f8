import type { PackRule, PackView } from './operator.ts'

/** True if an axis of the first input counts neither tokens nor examples. */
export function isBesideTokens({ tokens, batch }: PackView, axis: unknown): boolean {
  return typeof axis === 'number' && axis !== tokens && axis !== batch
}

/** Operators whose `axis` must count neither. */
export const besidePacked: PackRule = (view) => isBesideTokens(view, view.output.node.attributes.axis)

/** Operators that only lay values out: each token stays what it is. */
export const always: PackRule = () => true
