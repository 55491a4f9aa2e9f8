import type { MethodEntry } from '@tp/core'

/** A control that chance decides says little with fewer. */
const SEEDS = 5

/**
 * The options of a method among those of a command line, once for each model to make of it: a control that chance decides is
 * repeated with other seeds, unless one is given.
 */
export function seededOptions(
  entry: MethodEntry,
  params: Readonly<Record<string, string>>,
): readonly Readonly<Record<string, string>>[] {
  const own = Object.fromEntries(Object.entries(params).filter(([name]) => Object.hasOwn(entry.options, name)))
  const isChance = entry.name === 'random' && own.seed === undefined
  return isChance ? Array.from({ length: SEEDS }, (_, seed) => ({ ...own, seed: `${seed}` })) : [own]
}
